package main

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"time"
)

// results is what a run has measured, in the form of the file of results.
type results struct {
	Form       string             `json:"form"`
	Began      time.Time          `json:"began"`
	Version    string             `json:"version"` // of inorder
	OS         string             `json:"os"`
	CPU        string             `json:"cpu"`
	CPUs       int                `json:"cpus"`
	PostgreSQL string             `json:"postgresql"`
	Temporal   string             `json:"temporal"`
	Subjects   []string           `json:"subjects"`
	Memory     map[string]float64 `json:"peak_memory_mb"` // of all processes of a subject, by subject
	Series     []*series          `json:"series"`
}

// series is all rounds of a subject under a load.
type series struct {
	Subject    string        `json:"subject"`
	Load       string        `json:"load"`
	Events     int           `json:"events"`               // per round
	Overloaded bool          `json:"overloaded,omitempty"` // the subject can't sustain the load's rate
	Rounds     []measurement `json:"rounds,omitempty"`
	RoundTrips float64       `json:"round_trips,omitempty"` // to PostgreSQL, per event
	AckP50     float64       `json:"ack_p50_ms"`            // over the events of all rounds, as the next two
	AckP99     float64       `json:"ack_p99_ms"`
	AckP999    float64       `json:"ack_p999_ms"`

	acks []time.Duration
}

func (r *results) begin(form, version string) {
	*r = results{Form: form, Began: time.Now().UTC(), Version: version, OS: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(), Memory: map[string]float64{}}
	text, _ := os.ReadFile("/proc/cpuinfo") // only Linux has it
	if model := regexp.MustCompile(`(?m)^model name\s*: (.*)$`).FindSubmatch(text); model != nil {
		r.CPU = string(model[1])
	}
}

func (r *results) servers(ctx context.Context, on servers) (err error) {
	r.PostgreSQL, r.Temporal, err = on.versions(ctx)
	return err
}

// subjects adds subjects to those shown, in the order of names.
func (r *results) subjects(names []string) {
	for _, name := range names {
		if !slices.Contains(r.Subjects, name) {
			r.Subjects = append(r.Subjects, name)
		}
	}
}

// memory records a subject's peak memory, the highest of all parts.
func (r *results) memory(s *subject) error {
	bytes, err := s.peakMemory()
	r.Memory[s.name] = max(r.Memory[s.name], float64(bytes)/1e6)
	return err
}

// find returns a subject's series under a load, or nil if there is none.
func (r *results) find(subject, load string) *series {
	i := slices.IndexFunc(r.Series, func(s *series) bool { return s.Subject == subject && s.Load == load })
	if i < 0 {
		return nil
	}
	return r.Series[i]
}

func (r *results) series(subject string, l load) *series {
	s := r.find(subject, l.name)
	if s == nil {
		s = &series{Subject: subject, Load: l.name}
		r.Series = append(r.Series, s)
	}
	return s
}

func (s *series) add(events int, m measurement, acks []time.Duration) {
	s.Events = events
	s.Rounds = append(s.Rounds, m)
	s.acks = append(s.acks, acks...)
	s.AckP50, s.AckP99, s.AckP999 = quantiles(s.acks)
}

// rateOf returns how many events a subject applies per second with 16 senders, or infinity if that was not measured.
func (r *results) rateOf(subject string) float64 {
	s := r.find(subject, senders16.name)
	if s == nil || len(s.Rounds) == 0 {
		return math.Inf(1)
	}
	return s.median(applied)
}

// write writes the file of results, and returns its name.
func (r *results) write(folder string) (string, error) {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	file := filepath.Join(folder, r.Began.Format("2006-01-02-150405-")+r.Form+".json")
	return file, os.WriteFile(file, append(text, '\n'), 0o644)
}

func readResults(file string) (*results, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := &results{}
	return r, json.Unmarshal(text, r)
}
