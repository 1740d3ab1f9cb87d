package main

import (
	"net"
	"sync/atomic"
	"syscall"
)

const (
	soDetachFilter = 27
	randomWord     = 0xfffff000 + 56 // SKF_AD_OFF + SKF_AD_RANDOM: the kernel puts a random number there
	keepAll        = 0xffffffff
)

// Loss drops a share of what sockets receive, in the kernel and before anybody sees it, as a bad wire would:
// a UDP datagram is gone, a TCP segment (a SYN too) has to be sent again.
type Loss struct {
	share atomic.Uint64 // of 2**32
}

func (l *Loss) set(share float64) { l.share.Store(uint64(share * (1 << 32))) }

// apply gives one socket the present share of loss.
func (l *Loss) apply(conn syscall.RawConn) error {
	var failed error
	err := conn.Control(func(fd uintptr) { failed = l.attach(int(fd)) })
	if err != nil {
		return err
	}
	return failed
}

func (l *Loss) attach(fd int) error {
	share := l.share.Load()
	if share == 0 {
		// Nothing is attached yet when there never was a loss; the kernel says so, and that is fine.
		_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, soDetachFilter, 0)
		return nil
	}
	return syscall.AttachLsf(fd, []syscall.SockFilter{
		{Code: syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS, K: randomWord},
		{Code: syscall.BPF_JMP | syscall.BPF_JGE | syscall.BPF_K, Jt: 1, K: uint32(share)},
		{Code: syscall.BPF_RET | syscall.BPF_K, K: 0},
		{Code: syscall.BPF_RET | syscall.BPF_K, K: keepAll},
	})
}

// control is for net.Dialer: the answer to the SYN can be lost already.
func (l *Loss) control(_, _ string, conn syscall.RawConn) error { return l.apply(conn) }

func applyTo(l *Loss, socket syscall.Conn) error {
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	return l.apply(raw)
}

var (
	_ syscall.Conn = (*net.UDPConn)(nil)
	_ syscall.Conn = (*net.TCPListener)(nil)
)
