package standin

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FaultHelp explains what Set takes.
const FaultHelp = `Deliveries:  drop duplicate reorder delay deactivate
Requests:    rate_limit (429) server_error (5xx) slow lose (performed, but the answer is cut off)

Each takes a share, such as drop=0.05 or drop=5%, or a number in a row, such as drop=next:3. Other settings:

hold_ms=500      how long reorder holds a delivery back at most, if no other comes
delay_ms=1000    how long delay holds a delivery back
slow_ms=1000     how long slow holds an answer back
retry_after=2    the Retry-After header that rate_limit sends
seed=1           selects which ones are hit; the same seed selects the same ones`

// Set changes one fault by name, such as "drop=0.05", "rate_limit=next:3" or "delay_ms=2000". FaultHelp lists them.
func (f *Faults) Set(assignment string) error {
	name, value, found := strings.Cut(assignment, "=")
	switch name {
	case "429":
		name = "rate_limit"
	case "5xx", "500":
		name = "server_error"
	}
	number := map[string]*int{"hold_ms": &f.HoldMillis, "delay_ms": &f.DelayMillis, "slow_ms": &f.SlowMillis}[name]
	fault := f.kinds()[name]
	var err error
	switch {
	case !found:
		return fmt.Errorf("%q is not NAME=VALUE, such as drop=0.05", assignment)
	case fault != nil:
		*fault, err = parseFault(value)
	case number != nil:
		*number, err = parseMillis(value)
	case name == "retry_after":
		f.RetryAfter = value
	case name == "seed":
		f.Seed, err = strconv.ParseUint(value, 10, 64)
	default:
		return fmt.Errorf("unknown fault %q: use %s, hold_ms, delay_ms, slow_ms, retry_after or seed",
			name, strings.Join(slices.Sorted(maps.Keys(f.kinds())), ", "))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", assignment, err)
	}
	return nil
}

func parseFault(value string) (f Fault, err error) {
	if next, found := strings.CutPrefix(value, "next:"); found {
		if f.Next, err = strconv.Atoi(next); err != nil || f.Next < 0 {
			return f, errors.New("next: must be followed by a whole number, such as next:3")
		}
		return f, nil
	}
	number, percent := strings.CutSuffix(value, "%")
	f.Share, err = strconv.ParseFloat(number, 64)
	if percent {
		f.Share /= 100
	}
	if err != nil || !(f.Share >= 0 && f.Share <= 1) {
		return f, errors.New("the value must be a share from 0 to 1, such as 0.05 or 5%, or a number in a row, such as next:3")
	}
	return f, nil
}

func parseMillis(value string) (int, error) {
	if d, err := time.ParseDuration(value); err == nil && d >= 0 {
		return int(d.Milliseconds()), nil
	}
	if n, err := strconv.Atoi(value); err == nil && n >= 0 {
		return n, nil
	}
	return 0, errors.New("the value must be milliseconds, such as 500, or a duration, such as 2s")
}

// Assignments returns the faults as Set's arguments, and nil for the zero value.
func (f Faults) Assignments() (all []string) {
	kinds := f.kinds()
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		if kinds[name].Next > 0 {
			all = append(all, fmt.Sprintf("%s=next:%d", name, kinds[name].Next))
		}
		if kinds[name].Share > 0 {
			all = append(all, fmt.Sprintf("%s=%g", name, kinds[name].Share))
		}
	}
	for _, p := range []struct {
		name  string
		value any
	}{{"hold_ms", f.HoldMillis}, {"delay_ms", f.DelayMillis}, {"slow_ms", f.SlowMillis}, {"retry_after", f.RetryAfter}, {"seed", f.Seed}} {
		if text := fmt.Sprint(p.value); text != "0" && text != "" {
			all = append(all, p.name+"="+text)
		}
	}
	return all
}
