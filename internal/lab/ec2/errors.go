package ec2

import (
	"fmt"
	"net/http"
)

// Error is a refusal as the API words it.
type Error struct {
	Code    string // InvalidInstanceID.NotFound
	Message string
}

// Error is code and message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

func refuse(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func missing(parameter string) *Error {
	return refuse("MissingParameter", "The request must contain the parameter %s", parameter)
}

func badValue(value, parameter, reason string) *Error {
	return refuse("InvalidParameterValue", "Value (%s) for parameter %s is invalid. %s", value, parameter, reason)
}

// status is the HTTP status that goes with an error code.
func status(code string) int {
	switch code {
	case "AuthFailure":
		return http.StatusUnauthorized
	case "UnauthorizedOperation", "OptInRequired", "PendingVerification", "MissingAuthenticationToken":
		return http.StatusForbidden
	case "DryRunOperation":
		return http.StatusPreconditionFailed
	case "InternalError", "InternalFailure", "InsufficientInstanceCapacity":
		return http.StatusInternalServerError
	case "RequestLimitExceeded", "ServiceUnavailable", "Unavailable", "ServerInternal":
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}
