package controlapi_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

func TestFrameworkHasAllThatSchedulerAndClientHave(t *testing.T) {
	framework, s, c := reflect.TypeFor[controlapi.Framework](), reflect.TypeFor[*scheduler.Scheduler](), reflect.TypeFor[*controlapi.Client]()
	for i := range s.NumMethod() {
		name := s.Method(i).Name
		if _, both := c.MethodByName(name); both && name != "String" && name != "Format" && name != "LogValue" {
			_, there := framework.MethodByName(name)
			require.True(t, there, name)
		}
	}
}
