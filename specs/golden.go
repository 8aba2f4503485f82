package specs

import (
	"embed"
	"encoding/json"
	"fmt"
)

// Files are the TLA+ modules, their models, and counts.json.
//
//go:embed *.tla *.cfg counts.json
var Files embed.FS

// A Count is what an exploration of a configuration must count, by TLC's conventions: an initial
// state counts as generated, a step gives one successor a witness, and the initial states have
// depth 1.
type Count struct {
	Config
	Distinct  uint64 `json:"distinct"`
	Generated uint64 `json:"generated"`
	Depth     int    `json:"depth"`
	Source    string `json:"source"` // a key of "sources" in counts.json
}

// A Reach is a state that can be reached, and a TLC model that claims otherwise and must fail.
type Reach struct {
	Config
	CFG      string `json:"cfg"`
	Property string `json:"property"` // of kind Sometimes in the Go model
	States   int    `json:"states"`   // on the shortest path to it, with the initial state
}

// Golden is counts.json.
type Golden struct {
	Counts []Count `json:"counts"`
	Reach  []Reach `json:"reach"`
}

// ReadGolden reads counts.json.
func ReadGolden() (Golden, error) {
	var g Golden
	text, err := Files.ReadFile("counts.json")
	if err != nil {
		return g, fmt.Errorf("specs: %w", err)
	}
	if err := json.Unmarshal(text, &g); err != nil {
		return g, fmt.Errorf("specs: counts.json: %w", err)
	}
	return g, nil
}
