package main

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
)

const (
	receiveBufferBytes = 2 * 1024 * 1024 // memberlist's own
	packetBytesMax     = 65536
)

// Traffic counts what is sent, payload alone; each byte is counted once, by its sender.
type Traffic struct {
	packets, packetBytes, streamBytes atomic.Int64
}

// Transport does what memberlist.NetTransport does, on one UDP and one TCP socket of the same port; besides,
// it counts and it loses. NetTransport keeps its sockets to itself, so that nothing could be attached to them.
type Transport struct {
	udp         *net.UDPConn
	tcp         *net.TCPListener
	packets     chan *memberlist.Packet
	streams     chan net.Conn
	traffic     *Traffic
	packetLoss  *Loss
	streamLoss  *Loss
	readers     sync.WaitGroup
	isShut      atomic.Bool
	destination sync.Map // "host:port" to *net.UDPAddr: NetTransport parses it for each packet
}

func openTransport(traffic *Traffic, packetLoss, streamLoss *Loss) (*Transport, error) {
	var plain net.ListenConfig
	plain.SetMultipathTCP(false) // the kernel attaches no filter to a multipath socket
	listener, err := plain.Listen(context.Background(), "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	tcp := listener.(*net.TCPListener)
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: tcp.Addr().(*net.TCPAddr).Port})
	if err != nil {
		_ = tcp.Close()
		return nil, err
	}
	_ = udp.SetReadBuffer(receiveBufferBytes)
	t := &Transport{
		udp: udp, tcp: tcp, traffic: traffic, packetLoss: packetLoss, streamLoss: streamLoss,
		packets: make(chan *memberlist.Packet), streams: make(chan net.Conn),
	}
	t.readers.Add(2)
	go t.readPackets()
	go t.acceptStreams()
	return t, t.applyLoss()
}

func (t *Transport) applyLoss() error {
	if err := applyTo(t.packetLoss, t.udp); err != nil {
		return err
	}
	return applyTo(t.streamLoss, t.tcp)
}

// FinalAdvertiseAddr tells where others reach this member.
func (t *Transport) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return net.IPv4(127, 0, 0, 1).To4(), t.tcp.Addr().(*net.TCPAddr).Port, nil
}

// WriteTo sends one packet.
func (t *Transport) WriteTo(b []byte, addr string) (time.Time, error) {
	to, found := t.destination.Load(addr)
	if !found {
		resolved, err := net.ResolveUDPAddr("udp", addr)
		if err != nil {
			return time.Time{}, err
		}
		to, _ = t.destination.LoadOrStore(addr, resolved)
	}
	t.traffic.packets.Add(1)
	t.traffic.packetBytes.Add(int64(len(b)))
	_, err := t.udp.WriteToUDP(b, to.(*net.UDPAddr))
	return time.Now(), err
}

// DialTimeout opens a stream, which suffers the loss of streams from its first segment on.
func (t *Transport) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	dialer := net.Dialer{Timeout: timeout, Control: t.streamLoss.control}
	conn, err := dialer.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return countedConn{conn, t.traffic}, nil
}

// PacketCh gives the packets that arrive.
func (t *Transport) PacketCh() <-chan *memberlist.Packet { return t.packets }

// StreamCh gives the streams that others open.
func (t *Transport) StreamCh() <-chan net.Conn { return t.streams }

// Shutdown closes both sockets, as the end of the process would.
func (t *Transport) Shutdown() error {
	t.isShut.Store(true)
	_ = t.tcp.Close()
	_ = t.udp.Close()
	t.readers.Wait()
	return nil
}

func (t *Transport) readPackets() {
	defer t.readers.Done()
	for {
		buffer := make([]byte, packetBytesMax)
		n, from, err := t.udp.ReadFrom(buffer)
		if err != nil {
			if t.isShut.Load() {
				return
			}
			continue
		}
		t.packets <- &memberlist.Packet{Buf: buffer[:n], From: from, Timestamp: time.Now()}
	}
}

func (t *Transport) acceptStreams() {
	defer t.readers.Done()
	for {
		conn, err := t.tcp.AcceptTCP()
		if err != nil {
			if t.isShut.Load() {
				return
			}
			continue
		}
		t.streams <- countedConn{conn, t.traffic}
	}
}

type countedConn struct {
	net.Conn
	traffic *Traffic
}

func (c countedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.traffic.streamBytes.Add(int64(n))
	return n, err
}
