package operate

import "inorder/internal/api"

// Fits returns the actions that fit a state. Nothing else decides that. releases says that the event's workflow is still waking the events that wait
// for its order, which a retry makes happen at once: see Run.Releases. removed says that an ended event's payload is no longer kept, so that there is
// nothing to apply again.
func Fits(state api.State, releases, removed bool) []api.Action {
	switch {
	case state == api.StateEnded && releases && removed:
		return []api.Action{api.Retry}
	case state == api.StateEnded && removed:
		return []api.Action{}
	case state == api.StateEnded && releases:
		return []api.Action{api.Retry, api.Replay}
	case state == api.StateEnded:
		return []api.Action{api.Replay}
	case state == api.StateAttention:
		return []api.Action{api.Retry, api.Discard, api.Amend}
	}
	return []api.Action{api.Retry, api.Discard}
}
