package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const udpHeaderBytes = 28 // IPv4 and UDP

// Reading is what had been used up at one instant.
type Reading struct {
	at                                                 time.Time
	packets, packetBytes, streamBytes, wireBytes, cpuS float64
}

func (c *Cluster) read() Reading {
	r := Reading{
		at: time.Now(), packets: float64(c.traffic.packets.Load()),
		packetBytes: float64(c.traffic.packetBytes.Load()), streamBytes: float64(c.traffic.streamBytes.Load()),
	}
	// Where other programs share the network, headers of streams are not counted: in memberlist's favour.
	r.wireBytes = r.packetBytes + r.packets*udpHeaderBytes + r.streamBytes
	if c.schedule.OwnNetwork {
		r.wireBytes = loopbackBytes()
	}
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	r.cpuS = time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
	return r
}

// emit prints what one member used in a second since an earlier reading.
func (r Reading) emit(name string, before Reading, members float64) {
	share := members * r.at.Sub(before.at).Seconds()
	emit(name+"_payload", (r.packetBytes+r.streamBytes-before.packetBytes-before.streamBytes)/share)
	emit(name+"_bytes", (r.wireBytes-before.wireBytes)/share)
	emit(name+"_datagrams", (r.packets-before.packets)/share)
	emit(name+"_cpu", 100*(r.cpuS-before.cpuS)/share)
}

// loopbackBytes returns the IP bytes that were sent in this network namespace. A long write to a stream counts
// as one segment, since the loopback device does not cut it: again in memberlist's favour.
func loopbackBytes() float64 {
	table, _ := os.ReadFile("/proc/self/net/dev")
	for _, line := range strings.Split(string(table), "\n") {
		name, counters, found := strings.Cut(line, ":")
		if found && strings.TrimSpace(name) == "lo" {
			fields := strings.Fields(counters)
			sent, _ := strconv.ParseFloat(fields[8], 64)
			return sent
		}
	}
	return 0
}
