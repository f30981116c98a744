package operate

import "inorder/internal/api"

// Fits returns the actions that fit a state. Nothing else decides that. releases is whether the event's workflow is still waking what waits for
// its order, which a retry does at once: see Run.Releases.
func Fits(state api.State, releases bool) []api.Action {
	switch {
	case state == api.StateEnded && releases:
		return []api.Action{api.Retry, api.Replay}
	case state == api.StateEnded:
		return []api.Action{api.Replay}
	case state == api.StateAttention:
		return []api.Action{api.Retry, api.Discard, api.Amend}
	}
	return []api.Action{api.Retry, api.Discard}
}
