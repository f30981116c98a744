package api

import "strings"

// Problem is an error in application/problem+json. Type is stable: always one of the Problem… constants, never "about:blank". A Problem
// shows no payloads, tokens or personal data.
type Problem struct {
	Type    string         `json:"type" doc:"What happened; these names never change."`
	Title   string         `json:"title" doc:"The status in words."`
	Status  int            `json:"status" doc:"The HTTP status."`
	Detail  string         `json:"detail" doc:"What is wrong, in words."`
	Errors  []FieldProblem `json:"errors,omitempty" doc:"With a 400 or a 415: what is wrong with which field."`
	Actions []Action       `json:"actions,omitempty" doc:"With a 409 for an action that does not fit: those that would."`
	Missing []Missing      `json:"missing,omitempty" doc:"With a 503: the servers that did not answer, or lack what is needed."`
}

// FieldProblem is what is wrong with one parameter or field.
type FieldProblem struct {
	Location string `json:"location" doc:"Such as query.limit or body.reason."`
	Message  string `json:"message" doc:"What is wrong with it."`
}

// The types of problems. They name what happened and are never changed.
const (
	ProblemInvalid      = "urn:inorder:problem:invalid-request"        // 400
	ProblemUnauthorized = "urn:inorder:problem:unauthorized"           // 401
	ProblemForbidden    = "urn:inorder:problem:read-only-token"        // 403
	ProblemNotFound     = "urn:inorder:problem:not-found"              // 404
	ProblemMethod       = "urn:inorder:problem:method-not-allowed"     // 405
	ProblemUnfit        = "urn:inorder:problem:action-unfit"           // 409, with actions
	ProblemChanged      = "urn:inorder:problem:set-changed"            // 409: a bulk action's events are not the preview's
	ProblemKeyInUse     = "urn:inorder:problem:key-in-use"             // 409: a request with this Idempotency-Key is still running
	ProblemTooLarge     = "urn:inorder:problem:body-too-large"         // 413
	ProblemMediaType    = "urn:inorder:problem:unsupported-media-type" // 415
	ProblemKeyOtherBody = "urn:inorder:problem:key-other-body"         // 422: the Idempotency-Key was used with another request
	ProblemInternal     = "urn:inorder:problem:internal"               // 500
	ProblemUnavailable  = "urn:inorder:problem:unavailable"            // 503: a server that this needs does not answer
)

// ProblemType is the media type of a Problem.
const ProblemType = "application/problem+json"

// Error returns the detail, and what is wrong with each field.
func (p *Problem) Error() string {
	parts := []string{p.Detail}
	for _, e := range p.Errors {
		parts = append(parts, e.Location+": "+e.Message)
	}
	return strings.Join(parts, "; ")
}

// GetStatus and ContentType are what huma asks of an error that it writes.
func (p *Problem) GetStatus() int { return p.Status }

func (*Problem) ContentType(string) string { return ProblemType }
