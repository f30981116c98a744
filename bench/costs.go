package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/procfs"
)

// costs are the costs of one event.
type costs struct {
	CPUSubject  float64 `json:"cpu_subject_us,omitempty"` // µs of processor time, as in the next two
	CPUTemporal float64 `json:"cpu_temporal_us,omitempty"`
	CPUPostgres float64 `json:"cpu_postgres_us,omitempty"`
	WAL         float64 `json:"wal_bytes"` // bytes that the whole server wrote to its WAL
}

// meter is what has been spent since the processes started.
type meter struct {
	subject, temporal, postgres time.Duration // zero where there is no /proc
	wal                         float64
	trips                       int64
}

func (s *subject) meter(ctx context.Context) (m meter, err error) {
	if s.trips != nil {
		m.trips = s.trips.count.Load()
	}
	if err := s.pool.QueryRow(ctx, `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8`).Scan(&m.wal); err != nil {
		return m, err
	}
	if _, err := procfs.Self(); err != nil {
		return m, nil
	}
	if m.subject, err = cpuOf(s.pids(), false); err != nil {
		return m, err
	}
	if m.temporal, err = cpuOf([]int{s.on.Temporal.PID()}, false); err != nil {
		return m, err
	}
	m.postgres, err = cpuOf([]int{s.on.Postgres.PID()}, true)
	return m, err
}

func (m meter) since(before meter, events int) costs {
	per := func(now, then time.Duration) float64 { return float64((now - then).Microseconds()) / float64(events) }
	return costs{per(m.subject, before.subject), per(m.temporal, before.temporal), per(m.postgres, before.postgres), (m.wal - before.wal) / float64(events)}
}

func (s *subject) pids() (pids []int) {
	for _, p := range s.processes {
		pids = append(pids, p.Process.Pid)
	}
	return pids
}

// clockTick is the unit of processor time in /proc; it is the same on every Linux that Go supports.
const clockTick = 10 * time.Millisecond

// cpuOf returns the processor time of processes and, if children is set, of their children, including children that have ended.
func cpuOf(pids []int, children bool) (time.Duration, error) {
	ticks := 0
	for _, pid := range pids {
		p, err := procfs.NewProc(pid)
		if err != nil {
			return 0, err
		}
		stat, err := p.Stat()
		if err != nil {
			return 0, err
		}
		ticks += int(stat.UTime + stat.STime)
		if children {
			ticks += stat.CUTime + stat.CSTime
		}
	}
	if children {
		all, err := procfs.AllProcs()
		if err != nil {
			return 0, err
		}
		for _, p := range all {
			if stat, err := p.Stat(); err == nil && slices.Contains(pids, stat.PPID) { // an error means that it has just ended
				ticks += int(stat.UTime + stat.STime)
			}
		}
	}
	return time.Duration(ticks) * clockTick, nil
}

// peakMemory returns the sum of the peaks of resident memory of the subject's processes, in bytes; 0 without /proc.
func (s *subject) peakMemory() (bytes uint64, err error) { return peakOf(s.pids()) }

func peakOf(pids []int) (bytes uint64, err error) {
	if _, err := procfs.Self(); err != nil {
		return 0, nil
	}
	for _, pid := range pids {
		p, err := procfs.NewProc(pid)
		if err != nil {
			return 0, err
		}
		status, err := p.NewStatus()
		if err != nil {
			return 0, fmt.Errorf("memory of process %d: %w", pid, err)
		}
		bytes += status.VmHWM
	}
	return bytes, nil
}
