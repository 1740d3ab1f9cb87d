package main

import (
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// Ledger keeps who noticed what and when; only members that run write into it.
type Ledger struct {
	mutex       sync.Mutex
	running     map[string]bool
	known       map[string]map[string]bool
	deaths      map[string][]time.Time
	updates     map[string][]time.Time // by the new metadata
	falseDeaths int
}

func newLedger() *Ledger {
	return &Ledger{
		running: map[string]bool{}, known: map[string]map[string]bool{}, deaths: map[string][]time.Time{},
		updates: map[string][]time.Time{},
	}
}

func (l *Ledger) begin(name string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.running[name] = true
	l.known[name] = map[string]bool{name: true}
}

func (l *Ledger) end(name string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	delete(l.running, name)
	delete(l.known, name)
}

func (l *Ledger) takeFalseDeaths() int {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	taken := l.falseDeaths
	l.falseDeaths = 0
	return taken
}

// isComplete tells whether every running member knows this many.
func (l *Ledger) isComplete(count int) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, known := range l.known {
		if len(known) < count {
			return false
		}
	}
	return true
}

func (l *Ledger) seen(of map[string][]time.Time, key string) []time.Time {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return append([]time.Time(nil), of[key]...)
}

// observer writes the events of one member into the ledger.
type observer struct {
	name   string
	ledger *Ledger
}

func (o observer) write(note func(l *Ledger)) {
	o.ledger.mutex.Lock()
	defer o.ledger.mutex.Unlock()
	if o.ledger.running[o.name] {
		note(o.ledger)
	}
}

// NotifyJoin notes that a member is known.
func (o observer) NotifyJoin(node *memberlist.Node) {
	o.write(func(l *Ledger) { l.known[o.name][node.Name] = true })
}

// NotifyUpdate notes that new metadata has arrived.
func (o observer) NotifyUpdate(node *memberlist.Node) {
	o.write(func(l *Ledger) { l.updates[string(node.Meta)] = append(l.updates[string(node.Meta)], time.Now()) })
}

// NotifyLeave notes a death, and whether it was a false one.
func (o observer) NotifyLeave(node *memberlist.Node) {
	o.write(func(l *Ledger) {
		delete(l.known[o.name], node.Name)
		l.deaths[node.Name] = append(l.deaths[node.Name], time.Now())
		if l.running[node.Name] {
			l.falseDeaths++
		}
	})
}
