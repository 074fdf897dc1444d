package mastertext_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/mastertext"
)

// texts are all messages of ERROR events in the source of the master, with the file of Mesos 1.12 that has them, and some of
// older versions. "SchedulerDriver" marks those that the HTTP API does not have.
func texts() []text {
	return []text{
		{"master.cpp", "Framework failed over", mastertext.FailedOver},
		{"master.cpp", "Framework has been removed", mastertext.FrameworkRemoved},

		// The framework is refused.
		{"master.cpp", "Roles { zz } are not present in the master's --roles", mastertext.NotAllowed},
		{"Mesos 1.2 to 1.8", "Roles { zz } are not present in master's --roles", mastertext.NotAllowed},
		{"Mesos 1.0", "Role 'zz' is not present in the master's --roles", mastertext.NotAllowed},
		{"master.cpp", "User 'root' is not allowed to run frameworks without --root_submissions set", mastertext.NotAllowed},
		{"master.cpp, authorization.cpp", "Not authorized to register framework 9d43b3e3-d944-4331-ac67-a2f392d094e5-0000 with roles { prod }", mastertext.NotAllowed},
		{"master.cpp, authorization.cpp", "Not authorized to perform action REGISTER_FRAMEWORK on ANY object", mastertext.NotAllowed},
		{"Mesos 1.9", "Not authorized to use roles '{ prod }'", mastertext.NotAllowed},
		{"Mesos 1.0", "Not authorized to use role 'prod'", mastertext.NotAllowed},
		{"validation.cpp", "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable", mastertext.NotAllowed},
		{"validation.cpp", "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable", mastertext.NotAllowed},
		{"validation.cpp", "'FrameworkInfo.roles' contains duplicate items: { test }", mastertext.NotAllowed},
		{"validation.cpp, roles.cpp", "'FrameworkInfo.roles' contains invalid role: Role 'a/' cannot end with a slash", mastertext.NotAllowed},
		{"validation.cpp, roles.cpp", "'FrameworkInfo.roles' contains invalid role: Role component 'a b' is invalid because it contains backspace or whitespace", mastertext.NotAllowed},
		{"validation.cpp, roles.cpp", "'FrameworkInfo.role' is not a valid role: Role names cannot be the empty string", mastertext.NotAllowed},
		{"common/validation.cpp", "ID must not be empty", mastertext.NotAllowed},
		{"common/validation.cpp", "ID must not be greater than 255 characters", mastertext.NotAllowed},
		{"common/validation.cpp", "'..' is disallowed", mastertext.NotAllowed},
		{"common/validation.cpp", "'a/b' contains invalid characters", mastertext.NotAllowed},
		{"common/validation.cpp", "Resource quantities must contain at least one quantity", mastertext.NotAllowed},
		{"common/validation.cpp", "Invalid resource quantity for 'cpus': Negative values not supported", mastertext.NotAllowed},
		{"validation.cpp", "The framework failover_timeout (1e+18) is invalid", mastertext.NotAllowed},
		{"validation.cpp", "Changing framework's principal is not allowed.", mastertext.NotAllowed},
		{"validation.cpp", "Updating 'FrameworkInfo.user' is unsupported; attempted to update from 'root' to 'nobody'", mastertext.NotAllowed},
		{"validation.cpp", "Updating 'FrameworkInfo.checkpoint' is unsupported; attempted to update from '1' to '0'", mastertext.NotAllowed},
		{"validation.cpp", "Suppressed roles { a } are not contained in the set of roles", mastertext.NotAllowed},
		{"Mesos 1.4 to 1.8", "Suppressed role 'a' is not contained in the list of roles", mastertext.NotAllowed},
		{"validation.cpp", "Offer constraints specify `role_constraints` for a role 'b'not contained in the set of roles", mastertext.NotAllowed},
		{"master.cpp, offer_constraints_filter.cpp", "Offer constraints are not valid: 'OfferConstraints::role_constraints' has an empty 'RoleConstraints::groups' for role test", mastertext.NotAllowed},
		{"master.cpp, offer_constraints_filter.cpp", "Offer constraints are not valid: 'OfferConstraints::RoleConstraints::groups' for role testcontains an empty RoleConstraints::Group", mastertext.NotAllowed},
		{"master.cpp, offer_constraints_filter.cpp", "Offer constraints are not valid: A role test has an invalid 'AttributeConstraint': Failed to construct regex from pattern '(': missing ): (", mastertext.NotAllowed},
		{"master.cpp, SchedulerDriver", "Framework principal 'a' does not match authenticated principal 'b'", mastertext.NotAllowed},
		{"validation.cpp", "Authenticated principal 'other' does not match principal 'fw' set in `FrameworkInfo`", mastertext.NotAllowed},

		// The authorizer could not be asked, which may pass.
		{"master.cpp", "Authorization failure: could not create ObjectApprovers for a framework: Failed to connect to ldap.example: Connection refused", mastertext.Other},
		{"master.cpp", "Authorization failure: could not create ObjectApprovers for a framework: Not authorized to use roles", mastertext.Other},
		{"master.cpp", "Authorization failure: 'FrameworkInfo.roles' could not be looked up", mastertext.Other},
		{"Mesos 1.9", "Authorization failure: the authorizer failed", mastertext.Other},
		// The connection or the authentication of an older API.
		{"master.cpp, SchedulerDriver", "Framework disconnected", mastertext.Other},
		{"master.cpp, SchedulerDriver", "Re-authentication in progress", mastertext.Other},
		{"master.cpp, SchedulerDriver", "Framework at scheduler(1)@10.0.0.1:4711 is not authenticated", mastertext.Other},
		{"master.cpp, SchedulerDriver", "Message mesos.scheduler.Call dropped: capacity(100) exceeded", mastertext.Other},
		{"master.cpp, SchedulerDriver", "Registering with 'id' already set", mastertext.Other},
		{"master.cpp, SchedulerDriver", "The 'id' field was set in an offer operation, but operation feedback is not supported for the SchedulerDriver API; please use the HTTP scheduler API for this feature", mastertext.Other},
		// An UPDATE_FRAMEWORK is refused, not the framework.
		{"master.cpp, SchedulerDriver", "Supplied FrameworkInfo is not valid: User 'root' is not allowed to run frameworks without --root_submissions set", mastertext.Other},
		{"master.cpp, SchedulerDriver", "FrameworkInfo update is not valid: Changing framework's principal is not allowed.", mastertext.Other},
		{"master.cpp, SchedulerDriver", "'UpdateFramework' call is not valid: Suppressed roles { a } are not contained in the set of roles", mastertext.Other},

		// What nobody knows may pass, also where it looks like what is known.
		{"none", "", mastertext.Other},
		{"none", "Framework failed over to another master", mastertext.Other},
		{"none", "framework failed over", mastertext.Other},
		{"none", "Framework has been removed by an operator", mastertext.Other},
		{"none", "Failed to apply the registry operation", mastertext.Other},
		{"none", "The authorizer is busy: authorization of the framework timed out", mastertext.Other},
		{"none", "Retry: the principal is being looked up", mastertext.Other},
		{"none", "Not yet authorized", mastertext.Other},
		{"none", "Not authorized to talk to the authorizer", mastertext.Other},
		{"none", "The directory of principals is disallowed at present", mastertext.Other},
		{"none", "Unauthorized: token of the master's authorizer has expired", mastertext.Other},
		{"none", "Roles are being loaded", mastertext.Other},
		{"http.cpp", "Framework is not subscribed", mastertext.Other},
		{"http.cpp", "Framework cannot be found", mastertext.Other},
	}
}

type text struct {
	file, message string
	want          mastertext.Meaning
}

func TestMeaningOf(t *testing.T) {
	for _, row := range texts() {
		require.Equal(t, row.want, mastertext.MeaningOf(row.message), "%s: %s", row.file, row.message)
	}
}

// All answers to SUBSCRIBE in the source of the master and of libprocess. Redirects are not among them: they are followed.
func TestIsFinalAnswer(t *testing.T) {
	for _, row := range []struct {
		file   string
		status int
		body   string
		want   bool
	}{
		{"http.cpp", 400, "Failed to validate scheduler::Call: Authenticated principal 'other' does not match principal 'fw' set in `FrameworkInfo`", true},
		{"http.cpp", 400, "Failed to validate scheduler::Call: 'framework_id' differs from 'subscribe.framework_info.id'", true},
		{"http.cpp", 400, "Failed to validate scheduler::Call: Expecting 'subscribe' to be present", true},
		{"http.cpp", 400, "Failed to validate scheduler::Call: Not initialized: subscribe.framework_info.user", true},
		{"libprocess", 401, "", true},
		{"libprocess", 401, "Incorrect credentials", true},
		{"http.cpp", 403, "The request's authenticated principal contains claims, but no value string. The master currently requires that principals have a value", true},

		{"an authenticator", 403, "", true},
		{"an authenticator", 403, "Access denied by policy", true},

		{"a proxy", 401, "\n<!DOCTYPE html><title>Sign in</title>", false},
		{"a proxy", 403, "<html>\r\n<head><title>403 Forbidden</title></head>", false},

		// About the request, not about the framework: something on the way has changed it, or the server is no master.
		{"http.cpp", 400, "Expecting 'Content-Type' to be present", false},
		{"http.cpp", 400, "Failed to parse body into Call protobuf", false},
		{"http.cpp", 400, "Failed to parse body into JSON: syntax error at line 1 near: <", false},
		{"http.cpp", 400, "Failed to convert JSON into Call protobuf: Expecting a JSON object", false},
		{"http.cpp", 400, "Subscribe calls should not include the 'Mesos-Stream-Id' header", false},
		{"http.cpp", 405, "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'GET'.", false},
		{"http.cpp", 406, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'", false},
		{"http.cpp", 415, "Expecting 'Content-Type' of application/json or application/x-protobuf", false},
		{"the agent's http.cpp", 400, "Failed to validate agent::Call: Expecting 'type' to be present", false},
		{"libprocess", 404, "404 Not Found.", false},
		// It may pass.
		{"http.cpp", 503, "Master has not finished recovery", false},
		{"http.cpp", 503, "No leader elected", false},
		{"http.cpp", 500, "Failed to determine hostname of the leader", false},
		{"libprocess", 500, "Failed to authenticate", false},
		{"libprocess", 503, "", false},
		// Nobody knows.
		{"none", 400, "", false},
		{"none", 400, "upstream: Failed to validate scheduler::Call: x", false},
		{"none", 429, "", false},
	} {
		require.Equal(t, row.want, mastertext.IsFinalAnswer(row.status, row.body), "%s: %d %s", row.file, row.status, row.body)
	}
}

func TestBodies(t *testing.T) {
	type bodies []string
	for name, row := range map[string]struct {
		bodies          bodies
		replaced, stale bool
	}{
		"another subscription": {bodies{
			"The stream ID 'x' included in this request didn't match the stream ID currently associated with framework ID 9d43b3e3-d944-4331-ac67-a2f392d094e5-0000",
			"The stream ID '91035b95-d1c4-4cd8-be77-1adddb9fcbbd' included in this request didn't match the stream ID currently associated with framework ID e886cfee-3468-49a4-a55f-44c0286d55fd-0000",
		}, true, true},
		"no such framework": {bodies{"Framework cannot be found"}, false, true},
		"about the call": {bodies{
			"",
			"Framework is not subscribed", // comes with a status of its own
			"All non-subscribe calls should include the 'Mesos-Stream-Id' header",
			"Subscribe calls should not include the 'Mesos-Stream-Id' header",
			"No framework found with specified ID",
			"Failed to parse body into Call protobuf",
			"Failed to validate scheduler::Call: Expecting 'framework_id' to be present",
			"Failed to validate scheduler::Call: 'framework_id' differs from 'subscribe.framework_info.id'",
			"Failed to validate scheduler::Call: Not a valid UUID",
			"FrameworkInfo update is not valid: Changing framework's principal is not allowed.",
			"'UpdateFramework' call is not valid: Suppressed roles { zzz } are not contained in the set of roles",
		}, false, false},
	} {
		for _, body := range row.bodies {
			require.Equal(t, row.replaced, mastertext.IsReplaced(body), "%s: %s", name, body)
			require.Equal(t, row.stale, mastertext.IsStale(body), "%s: %s", name, body)
		}
	}
}

func TestIsDockerRunFailure(t *testing.T) {
	for message, want := range map[string]bool{
		"Container exited with status 125":          true,
		"Container exited with status 1":            false,
		"Command exited with status 1250":           false,
		"Container exited with status 125, it says": false,
		"Command exited with status 127":            false,
		"":                                          false,
	} {
		require.Equal(t, want, mastertext.IsDockerRunFailure(message), message)
	}
}

func TestOfAnswer(t *testing.T) {
	for body, want := range map[string]string{
		"": "", "404 page not found\n": "404 page not found", "No leader elected": "No leader elected",
		"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body>": "502 Bad Gateway",
		"<h1>Denied</h1>": "", "<title>cut o": "cut o",
	} {
		require.Equal(t, want, mastertext.OfAnswer(body), body)
	}
}
