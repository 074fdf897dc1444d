package mastertext_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/mastertext"
)

// The messages are recorded from real masters, except for those marked otherwise.
func TestMeaningOf(t *testing.T) {
	for message, want := range map[string]mastertext.Meaning{
		"Framework failed over":      mastertext.FailedOver,
		"Framework has been removed": mastertext.FrameworkRemoved,

		"User 'root' is not allowed to run frameworks without --root_submissions set":                                                                 mastertext.NotAllowed,
		"Changing framework's principal is not allowed.":                                                                                              mastertext.NotAllowed,
		"'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable":                                                               mastertext.NotAllowed,
		"'FrameworkInfo.role' is not a valid role: Role names cannot be the empty string":                                                             mastertext.NotAllowed,
		"'FrameworkInfo.roles' contains duplicate items: { test }":                                                                                    mastertext.NotAllowed,
		"'FrameworkInfo.roles' contains invalid role: Role 'a/' cannot end with a slash":                                                              mastertext.NotAllowed,
		"'a/b' contains invalid characters":                                                                                                           mastertext.NotAllowed,
		"'..' is disallowed":                                                                                                                          mastertext.NotAllowed,
		"ID must not be greater than 255 characters":                                                                                                  mastertext.NotAllowed,
		"Invalid resource quantity for 'cpus': Negative values not supported":                                                                         mastertext.NotAllowed,
		"The framework failover_timeout (1e+18) is invalid":                                                                                           mastertext.NotAllowed,
		"Roles { zz } are not present in the master's --roles":                                                                                        mastertext.NotAllowed,
		"Suppressed roles { a } are not contained in the set of roles":                                                                                mastertext.NotAllowed,
		"Offer constraints specify `role_constraints` for a role 'b'not contained in the set of roles":                                                mastertext.NotAllowed,
		"Offer constraints are not valid: 'OfferConstraints::role_constraints' has an empty 'RoleConstraints::groups' for role test":                  mastertext.NotAllowed,
		"Offer constraints are not valid: A role test has an invalid 'AttributeConstraint': Failed to construct regex from pattern '(': missing ): (": mastertext.NotAllowed,
		"Authenticated principal 'other' does not match principal 'fw' set in `FrameworkInfo`":                                                        mastertext.NotAllowed,
		"Failed to validate scheduler::Call: Authenticated principal 'other' does not match principal 'fw' set in `FrameworkInfo`":                    mastertext.NotAllowed,
		"'FrameworkInfo.roles' contains invalid role: Role component 'a b' is invalid because it contains backspace or whitespace":                    mastertext.NotAllowed,
		"'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable":                                                          mastertext.NotAllowed,
		"FrameworkInfo update is not valid: Updating 'FrameworkInfo.user' is unsupported; attempted to update from 'root' to 'nobody'":                mastertext.NotAllowed,
		"'UpdateFramework' call is not valid: Offer constraints specify `role_constraints` for a role 'zzz'not contained in the set of roles":         mastertext.NotAllowed,
		"Offer constraints are not valid: 'OfferConstraints::RoleConstraints::groups' for role testcontains an empty RoleConstraints::Group":          mastertext.NotAllowed,
		"Supplied FrameworkInfo is not valid: User 'root' is not allowed to run frameworks without --root_submissions set":                            mastertext.NotAllowed,

		// Not recorded: a master with ACLs.
		"Not authorized to use roles '{ prod }'":       mastertext.NotAllowed,
		"Authorization failure: the authorizer failed": mastertext.NotAllowed,

		// What nobody knows may pass, also where it looks like what is known.
		"": mastertext.Other,
		"Framework failed over to another master":   mastertext.Other,
		"framework failed over":                     mastertext.Other,
		"Framework has been removed by an operator": mastertext.Other,
		"Failed to apply the registry operation":    mastertext.Other,
		"Framework is not subscribed":               mastertext.Other,
		"Framework cannot be found":                 mastertext.Other,
	} {
		require.Equal(t, want, mastertext.MeaningOf(message), message)
	}
}

// Three fragments are so short that any text with them ends a run, whatever else it says. No message of a master is known
// that has one of them and for which another attempt would succeed. This test shows what such a message would be.
func TestShortFragments(t *testing.T) {
	for _, message := range []string{
		"The authorizer is busy: authorization of the framework timed out",
		"Retry: the principal is being looked up",
		"Not yet authorized",
	} {
		require.Equal(t, mastertext.NotAllowed, mastertext.MeaningOf(message), message)
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
