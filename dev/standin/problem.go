package standin

import "net/http"

// problem is an error in the form in which the platform answers it.
type problem struct {
	status  int
	Type    string `json:"type"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Details any    `json:"details,omitempty"`
}

func (p *problem) Error() string { return p.Code + ": " + p.Message }

func invalid(field, message string) *problem {
	return &problem{http.StatusBadRequest, "invalid_request", "VALIDATION_ERROR", message, map[string]string{"field": field, "message": message}}
}

func notFound(resource, id string) *problem {
	return &problem{http.StatusNotFound, "not_found", "RESOURCE_NOT_FOUND", resource + " not found", map[string]string{"resource": resource, "id": id}}
}

func conflict(message string) *problem {
	return &problem{http.StatusConflict, "conflict", "INVALID_STATE_TRANSITION", message, nil}
}

var (
	missingKey  = &problem{http.StatusUnauthorized, "authentication_error", "MISSING_API_KEY", "Send Authorization: Bearer and a secret API key", nil}
	unknownKey  = &problem{http.StatusUnauthorized, "authentication_error", "INVALID_API_KEY", "Invalid API key", nil}
	noSecretKey = &problem{http.StatusForbidden, "permission_error", "PERMISSION_DENIED", "A publishable key cannot use the Admin API", nil} // the code is a guess
	rateLimited = &problem{http.StatusTooManyRequests, "rate_limit", "RATE_LIMIT_EXCEEDED", "Too many requests", nil}
	serverError = &problem{http.StatusInternalServerError, "server_error", "INTERNAL_ERROR", "An internal error occurred", nil}
)
