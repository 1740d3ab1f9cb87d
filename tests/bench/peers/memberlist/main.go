// Measures hashicorp/memberlist on real sockets of the loopback device, by the schedule that
// tests/bench/swim_real gives to both systems. It prints one JSON object per measurement:
//
//	{"metric": "join_at_once", "values": [1.2]}
//
// Usage: memberlist-peer joins|life|loss SCHEDULE, the schedule as JSON.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
)

// Schedule says what to do; tests/bench/swim_real/schedule.py is its other half.
type Schedule struct {
	Members       int       `json:"members"`
	MetadataBytes int       `json:"metadata_bytes"`
	JoinRounds    int       `json:"join_rounds"`
	ApartS        float64   `json:"apart_s"`
	SettleS       float64   `json:"settle_s"`
	WindowS       float64   `json:"window_s"`
	JoinWaitS     float64   `json:"join_wait_s"`
	WaitS         float64   `json:"wait_s"`
	Updates       int       `json:"updates"`
	Kills         int       `json:"kills"`
	LossMembers   int       `json:"loss_members"`
	LossWindowS   float64   `json:"loss_window_s"`
	Losses        []float64 `json:"losses"`
	StreamsLossy  bool      `json:"streams_lossy"`
	TCPPing       bool      `json:"tcp_ping"`
	OwnNetwork    bool      `json:"own_network"`
	Seed          int64     `json:"seed"`
}

func emit(metric string, values ...float64) {
	line, _ := json.Marshal(map[string]any{"metric": metric, "values": values})
	fmt.Println(string(line))
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/hashicorp/memberlist" {
			return module.Version
		}
	}
	return ""
}

func run() error {
	if len(os.Args) != 3 {
		return fmt.Errorf("usage: %s joins|life|loss SCHEDULE", os.Args[0])
	}
	var schedule Schedule
	if err := json.Unmarshal([]byte(os.Args[2]), &schedule); err != nil {
		return err
	}
	fmt.Printf("{\"version\": %q}\n", "memberlist "+version())
	scenarios := map[string]func(Schedule) error{"joins": measureJoins, "life": measureLife, "loss": measureLoss}
	scenario, found := scenarios[os.Args[1]]
	if !found {
		return fmt.Errorf("no scenario %q", os.Args[1])
	}
	return scenario(schedule)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
