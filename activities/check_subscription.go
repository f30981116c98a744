package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"inorder/internal/endpoints"
	"inorder/internal/platform"
)

// What can be wrong with a webhook that we registered: the values of the metrics' label "problem".
const (
	ProblemMissing    = "missing"    // the platform does not have it
	ProblemInactive   = "inactive"   // the platform delivers nothing to it
	ProblemURL        = "url"        // it delivers elsewhere
	ProblemEvents     = "events"     // other events
	ProblemUnreadable = "unreadable" // the platform refuses to show it, or shows it in another form than documented
	ProblemOtherMode  = "other_mode" // the key is of the other mode, so nobody can look
	ProblemNoAccess   = "no_access"  // the platform does not accept the key; of no endpoint, but of all
)

// settling is how long a webhook may stay inactive after it was recorded: it is activated when the receivers have its
// secret.
const settling = 30 * time.Second

// SubscriptionCheck says whether the platform still tells us what happens.
type SubscriptionCheck struct {
	CheckedAt time.Time             `json:"checked_at,omitzero"` // zero if the platform was not asked
	Checked   int                   `json:"checked"`             // endpoints that should be as we registered them
	Problems  []SubscriptionProblem `json:"problems,omitempty"`
	Note      string                `json:"note,omitempty"` // why nothing was checked
}

// SubscriptionProblem is one thing that is wrong with one endpoint.
type SubscriptionProblem struct {
	Endpoint string `json:"endpoint,omitempty"` // its ID; empty for what is about all of them
	Problem  string `json:"problem"`
	Detail   string `json:"detail"`
	Repaired string `json:"repaired,omitempty"` // what was done about it; empty if it is still there
}

// Open are the problems that are still there.
func (c SubscriptionCheck) Open() (open []SubscriptionProblem) {
	for _, p := range c.Problems {
		if p.Repaired == "" {
			open = append(open, p)
		}
	}
	return open
}

// CheckSubscription compares every lasting, active endpoint that we recorded with what the platform has, and with
// HookAutorepair puts right what differs. A webhook that is not in our records it never touches.
//
// What is wrong is its result and not an error, a key that the platform refuses included; an error means that the
// platform or PostgreSQL could not be asked. It may run twice: the second run finds what the first one repaired, and a
// repair that was cut off is taken up again.
func (a *Activities) CheckSubscription(ctx context.Context) (SubscriptionCheck, error) {
	check := SubscriptionCheck{}
	if a.Platform == nil {
		check.Note = "nothing was checked: HEADLESS_COMMERCE_API_KEY is not set, so the platform cannot be asked"
		return check, nil
	}
	beginCheck()
	recorded, err := a.Endpoints.List(ctx)
	if err != nil {
		return check, err
	}
	watched := slices.DeleteFunc(slices.Clone(recorded), func(e endpoints.Endpoint) bool { return e.Owner != "" || !e.IsActive })
	check.Checked = len(watched)
	if len(watched) == 0 {
		check.Note = "nothing was checked: no webhook is registered from here. `inorder hooks register URL` does that"
	}
	for _, e := range watched {
		problems, err := a.checkEndpoint(ctx, e)
		if platform.IsUnauthorized(err) {
			check.Problems = append(check.Problems, SubscriptionProblem{Problem: ProblemNoAccess, Detail: err.Error()})
			break
		}
		if err != nil {
			return check, err
		}
		if a.HookAutorepair {
			a.repairSubscription(ctx, e, problems)
		}
		check.Problems = append(check.Problems, problems...)
	}
	check.CheckedAt = time.Now().UTC()
	a.tell(check, watched)
	return check, nil
}

// checkEndpoint compares one.
func (a *Activities) checkEndpoint(ctx context.Context, e endpoints.Endpoint) (problems []SubscriptionProblem, err error) {
	found := func(problem, format string, args ...any) {
		problems = append(problems, SubscriptionProblem{Endpoint: e.ID, Problem: problem, Detail: fmt.Sprintf(format, args...)})
	}
	if e.Mode != a.Platform.Mode() {
		found(ProblemOtherMode, "it is registered in %s mode, and HEADLESS_COMMERCE_API_KEY is a %s-mode key, which cannot see it", e.Mode, a.Platform.Mode())
		return problems, nil
	}
	is, err := a.Platform.GetWebhook(ctx, e.ID)
	switch {
	case platform.IsNotFound(err):
		found(ProblemMissing, "the platform does not have it any more, so nothing is delivered to %s", e.URL)
		return problems, nil
	case platform.IsLasting(err): // the next check asks again, and the other webhooks need theirs now
		found(ProblemUnreadable, "%v", err)
		return problems, nil
	case err != nil:
		return nil, err
	}
	if !is.IsActive && time.Since(e.RegisteredAt) > settling {
		found(ProblemInactive, "the platform has deactivated it: it does that to endpoints that keep failing")
	}
	if is.URL != e.URL {
		found(ProblemURL, "it delivers to %s instead of %s", is.URL, e.URL)
	}
	if !sameEvents(is.Events, e.Events) {
		found(ProblemEvents, "it is told of %s instead of %s", strings.Join(is.Events, " "), strings.Join(e.Events, " "))
	}
	return problems, nil
}

// sameEvents compares as sets: neither order nor repetition says anything.
func sameEvents(a, b []string) bool {
	sorted := func(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }
	return slices.Equal(sorted(a), sorted(b))
}

// tell logs what is wrong and sets the metrics.
func (a *Activities) tell(check SubscriptionCheck, watched []endpoints.Endpoint) {
	for _, p := range check.Problems {
		if p.Repaired == "" {
			a.Log.Error("a webhook on the platform is not as it was registered", "endpoint", p.Endpoint, "problem", p.Problem, "detail", p.Detail)
		} else {
			a.Log.Warn("a webhook on the platform was not as it was registered, and is repaired", "endpoint", p.Endpoint, "problem", p.Problem,
				"detail", p.Detail, "repaired", p.Repaired)
		}
	}
	noteCheck(check, watched)
}
