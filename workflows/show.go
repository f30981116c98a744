package workflows

import "go.temporal.io/sdk/workflow"

// enter shows a phase of the slow path to operators. Search attributes cost an event, so only a new phase sets one.
func (p *process) enter(ctx workflow.Context, phase Phase, detail, details string) error {
	if p.state.Phase != phase {
		p.state.Since = workflow.Now(ctx)
	}
	p.state.Phase, p.state.Detail = phase, detail
	workflow.SetCurrentDetails(ctx, details)
	if p.shown == phase {
		return nil
	}
	p.shown = phase
	return workflow.UpsertTypedSearchAttributes(ctx, EventPhaseKey.ValueSet(string(phase)))
}

// hidePhase leaves EventPhase to those that run, so that nobody finds an event at a place where it no longer is.
func (p *process) hidePhase(ctx workflow.Context) error {
	if p.shown == "" {
		return nil
	}
	return workflow.UpsertTypedSearchAttributes(ctx, EventPhaseKey.ValueUnset())
}
