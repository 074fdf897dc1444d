package whiskconf

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEnvironmentNames(t *testing.T) {
	for name, path := range map[string]string{
		"CONFIG_whisk_mesos_masterUrl":                                    "whisk.mesos.master-url",
		"CONFIG_whisk_mesos_masterUrlPublic":                              "whisk.mesos.master-url-public",
		"CONFIG_whisk_spi_ContainerFactoryProvider":                       "whisk.spi.ContainerFactoryProvider",
		"CONFIG_whisk_containerFactory_containerArgs_extraEnvVars_0":      "whisk.container-factory.container-args.extra-env-vars.0",
		"CONFIG_whisk_mesos_healthCheck_maxConsecutiveFailures":           "whisk.mesos.health-check.max-consecutive-failures",
		"CONFIG_whisk_mesos_constraints_10":                               "whisk.mesos.constraints.10",
		"CONFIG_whisk_containerPool_userMemory":                           "whisk.container-pool.user-memory",
		"CONFIG_whisk_containerFactory_containerArgs_extraArgs_capDrop_0": "whisk.container-factory.container-args.extra-args.cap-drop.0",
	} {
		require.Equal(t, settings{path: "x"}, readEnviron([]string{name + "=x"}), name)
		require.Equal(t, name, variable(path))
	}
}

// The cases that sed and bash decide in OpenWhisk's script.
func TestEnvironmentNamesAsOpenWhisk(t *testing.T) {
	for name, path := range map[string]string{
		"CONFIG_a_fooBAR":   "a.foo-bAR", // the second of two capitals in a row follows no small letter
		"CONFIG_a_ipV4Net":  "a.ip-v4-net",
		"CONFIG__a__b_":     "a.b",
		"CONFIG_A_bC":       "A.b-c",
		"CONFIG_a_already-": "a.already-",
	} {
		require.Equal(t, settings{path: "x"}, readEnviron([]string{name + "=x"}), name)
	}
}

func TestEnvironmentValues(t *testing.T) {
	require.Equal(t, settings{
		"a.plain": "1", "a.refers": "over there", "a.dangling": "$NOWHERE", "a.empty-one": "$EMPTY", "a.equals": "x=y", "a.last": "second",
	}, readEnviron([]string{
		"CONFIG_a_plain=1", "CONFIG_a_refers=$OTHER", "OTHER=over there", "CONFIG_a_dangling=$NOWHERE", "CONFIG_a_emptyOne=$EMPTY", "EMPTY=",
		"CONFIG_a_nothing=", "CONFIG_a_equals=x=y", "CONFIG_a_last=first", "CONFIG_a_last=second", "NOCONFIG_a=1", "config_a=1",
	}))
}

func TestLists(t *testing.T) {
	s := readEnviron([]string{"CONFIG_a_list_10=c", "CONFIG_a_list_2=b", "CONFIG_a_list_0=a", `CONFIG_a_json=["x", "y z"]`, "CONFIG_a_bad=x", "CONFIG_a_names_zero=x"})
	list, err := s.list("a.list")
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c"}, list)
	list, err = s.list("a.json")
	require.NoError(t, err)
	require.Equal(t, []string{"x", "y z"}, list)
	list, err = s.list("a.missing")
	require.NoError(t, err)
	require.Empty(t, list)
	_, err = s.list("a.bad")
	require.EqualError(t, err, `whiskconf: a.bad (CONFIG_a_bad) is "x": it is not a list: give its items by number, as in CONFIG_a_bad_0, or as a JSON array of strings`)
	_, err = s.list("a.names")
	require.EqualError(t, err, `whiskconf: a.names.zero (CONFIG_a_names_zero) is "x": items of the list a.names have numbers`)
}
