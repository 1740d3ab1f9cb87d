package main

import (
	"fmt"
	"slices"
	"time"
)

const quietDatagrams = 2.5 // per member and second; a probe and its answer are two

// measureJoins forms clusters that end as soon as everybody knows everybody.
func measureJoins(schedule Schedule) error {
	for range schedule.JoinRounds {
		c, err := openCluster(schedule, schedule.Members)
		if err != nil {
			return err
		}
		_, last := c.join(seconds(schedule.ApartS))
		emit("join_apart", c.untilComplete(last))
		c.close()
		if c, err = openCluster(schedule, schedule.Members); err != nil {
			return err
		}
		first, _ := c.join(0)
		emit("join_at_once", c.untilComplete(first))
		c.close()
	}
	return nil
}

// measureLife forms a cluster, watches it idle, changes metadata and loses members.
func measureLife(schedule Schedule) error {
	c, err := openCluster(schedule, schedule.Members)
	if err != nil {
		return err
	}
	defer c.close()
	before := c.read()
	emit("join_in_turn", c.untilComplete(c.joinInTurn()))
	c.untilQuiet()
	emit("join_bytes", (c.read().wireBytes-before.wireBytes)/float64(schedule.Members))
	c.measureWindow("quiet", schedule.WindowS)
	for i := range schedule.Updates {
		c.measureUpdate(1 + i)
	}
	for i := range schedule.Kills {
		c.measureDeath(1 + 7*i)
	}
	return nil
}

// measureLoss watches one cluster at each share of loss, with a pause in which it recovers.
func measureLoss(schedule Schedule) error {
	c, err := openCluster(schedule, schedule.LossMembers)
	if err != nil {
		return err
	}
	defer c.close()
	c.joinInTurn()
	for _, share := range schedule.Losses {
		c.untilComplete(time.Now())
		c.untilQuiet()
		if err := c.lose(share); err != nil {
			return err
		}
		c.measureWindow(fmt.Sprintf("loss_%.0f", share*100), schedule.LossWindowS)
		if err := c.lose(0); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) measureWindow(name string, windowS float64) {
	c.ledger.takeFalseDeaths()
	before := c.read()
	time.Sleep(seconds(windowS))
	c.read().emit(name, before, float64(len(c.members)))
	emit(name+"_false_deaths", float64(c.ledger.takeFalseDeaths()))
}

func (c *Cluster) measureUpdate(index int) {
	c.untilQuiet()
	metadata := c.metadata()
	began := time.Now()
	c.members[index].update(metadata)
	others := len(c.members) - 1
	times := c.collect(c.ledger.updates, string(metadata), others)
	emit("update_half", c.after(began, times, others/2))
	emit("update_all", c.after(began, times, others))
}

func (c *Cluster) measureDeath(index int) {
	c.untilQuiet()
	began := time.Now()
	victim := c.kill(index)
	times := c.collect(c.ledger.deaths, victim, len(c.members))
	emit("detect_first", c.after(began, times, 1))
	emit("detect_all", c.after(began, times, len(c.members)))
}

// collect waits until this many members have noticed, and returns when each did, in order.
func (c *Cluster) collect(of map[string][]time.Time, key string, wanted int) []time.Time {
	c.wait(c.schedule.WaitS, func() bool { return len(c.ledger.seen(of, key)) >= wanted })
	times := c.ledger.seen(of, key)
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// after returns the seconds until so many had noticed: the whole time waited if they never did.
func (c *Cluster) after(began time.Time, times []time.Time, count int) float64 {
	if len(times) < count {
		return c.schedule.WaitS
	}
	return times[count-1].Sub(began).Seconds()
}

func (c *Cluster) untilComplete(began time.Time) float64 {
	c.wait(c.schedule.JoinWaitS, func() bool { return c.ledger.isComplete(len(c.members)) })
	return time.Since(began).Seconds()
}

// untilQuiet waits until little more than probes and their answers is sent.
func (c *Cluster) untilQuiet() {
	sent, members := c.traffic.packets.Load(), float64(len(c.members))
	until := time.Now().Add(seconds(c.schedule.WaitS))
	for time.Now().Before(until) {
		time.Sleep(seconds(c.schedule.SettleS))
		before := sent
		sent = c.traffic.packets.Load()
		if float64(sent-before) < quietDatagrams*c.schedule.SettleS*members {
			return
		}
	}
}

// wait looks often, since memberlist's events do not say when all of them are there, and gives up in time.
func (c *Cluster) wait(withinS float64, done func() bool) {
	until := time.Now().Add(seconds(withinS))
	for !done() && time.Now().Before(until) {
		time.Sleep(5 * time.Millisecond)
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
