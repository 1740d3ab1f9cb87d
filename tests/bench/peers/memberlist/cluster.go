package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// Member is one memberlist on sockets of its own.
type Member struct {
	name      string
	list      *memberlist.Memberlist
	transport *Transport
	cluster   *Cluster
	mutex     sync.Mutex
	metadata  []byte
}

// Cluster is many members in this process, and what they have noticed of each other.
type Cluster struct {
	schedule   Schedule
	members    []*Member
	ledger     *Ledger
	traffic    *Traffic
	packetLoss *Loss
	streamLoss *Loss
	rng        *rand.Rand
}

func openCluster(schedule Schedule, size int) (*Cluster, error) {
	c := &Cluster{
		schedule: schedule, ledger: newLedger(), traffic: &Traffic{}, packetLoss: &Loss{}, streamLoss: &Loss{},
		rng: rand.New(rand.NewSource(schedule.Seed)),
	}
	for i := range size {
		if err := c.add(fmt.Sprintf("node-%05d", i)); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *Cluster) add(name string) error {
	transport, err := openTransport(c.traffic, c.packetLoss, c.streamLoss)
	if err != nil {
		return err
	}
	member := &Member{name: name, transport: transport, cluster: c, metadata: c.metadata()}
	config := memberlist.DefaultLANConfig()
	config.Name = name
	config.Transport = transport
	config.SecretKey = bytes.Repeat([]byte{7}, 32) // 32 bytes choose AES-256
	config.Delegate = member
	config.Events = observer{name, c.ledger}
	config.LogOutput = io.Discard
	config.DisableTcpPings = !c.schedule.TCPPing
	c.ledger.begin(name)
	member.list, err = memberlist.Create(config)
	c.members = append(c.members, member)
	return err
}

func (c *Cluster) metadata() []byte {
	data := make([]byte, c.schedule.MetadataBytes)
	c.rng.Read(data)
	return data
}

// joinInTurn lets everybody but the first ask the first for its table, each when the one before has it.
func (c *Cluster) joinInTurn() (first time.Time) {
	first = time.Now()
	for _, member := range c.members[1:] {
		_, _ = member.list.Join([]string{c.seed()})
	}
	return first
}

// join lets everybody but the first ask the first, and waits for nobody; without a pause all do so at once.
func (c *Cluster) join(apart time.Duration) (first, last time.Time) {
	first = time.Now()
	for _, member := range c.members[1:] {
		last = time.Now()
		go func() { _, _ = member.list.Join([]string{c.seed()}) }()
		time.Sleep(apart)
	}
	return first, last
}

func (c *Cluster) seed() string { return c.members[0].transport.tcp.Addr().String() }

// lose sets the share that is lost from now on.
func (c *Cluster) lose(share float64) error {
	c.packetLoss.set(share)
	if c.schedule.StreamsLossy {
		c.streamLoss.set(share)
	}
	for _, member := range c.members {
		if err := member.transport.applyLoss(); err != nil {
			return err
		}
	}
	return nil
}

// kill ends a member without a goodbye.
func (c *Cluster) kill(index int) string {
	victim := c.members[index]
	c.ledger.end(victim.name)
	c.members = append(c.members[:index], c.members[index+1:]...)
	_ = victim.list.Shutdown()
	return victim.name
}

func (c *Cluster) close() {
	for _, member := range c.members {
		c.ledger.end(member.name)
	}
	var all sync.WaitGroup
	for _, member := range c.members {
		all.Go(func() { _ = member.list.Shutdown() })
	}
	all.Wait()
}

func (m *Member) update(metadata []byte) {
	m.mutex.Lock()
	m.metadata = metadata
	m.mutex.Unlock()
	go func() { _ = m.list.UpdateNode(10 * time.Second) }() // it returns only when its queue has drained
}

// NodeMeta gives memberlist what this member tells about itself.
func (m *Member) NodeMeta(int) []byte {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.metadata
}

// NotifyMsg, GetBroadcasts, LocalState and MergeRemoteState are for user data, of which there is none.
func (m *Member) NotifyMsg([]byte) {}

// GetBroadcasts has nothing to add.
func (m *Member) GetBroadcasts(int, int) [][]byte { return nil }

// LocalState has nothing to add.
func (m *Member) LocalState(bool) []byte { return nil }

// MergeRemoteState ignores what never comes.
func (m *Member) MergeRemoteState([]byte, bool) {}
