package scheduler

import (
	"fmt"
	"strconv"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

func specOf(id string, options map[string]string) task.Spec {
	number := func(key string, otherwise float64) float64 {
		if v, err := strconv.ParseFloat(options[key], 64); err == nil {
			return v
		}
		return otherwise
	}
	spec := task.Spec{
		ID: id, Role: options["role"], CPUs: number("cpus", 1), Mem: number("mem", 32),
		Ports:   make([]task.Port, int(number("ports", 0))),
		Command: task.Command{Shell: "sleep 3600"}, Group: options["group"],
	}
	for _, operator := range []task.Operator{task.OpLike, task.OpUnlike, task.OpIs, task.OpUnique, task.OpGroupBy} {
		if attribute, value, ok := strings.Cut(options[strings.ToLower(string(operator))], ":"); ok {
			spec.Constraints = append(spec.Constraints, task.Constraint{Attribute: attribute, Operator: operator, Value: value})
		}
	}
	if options["health"] != "" {
		spec.HealthCheck = &task.HealthCheck{}
	}
	return spec
}

// offersOf returns an offer for each word such as o1@a1:cpus:mem:begin-end; the ports are optional.
func offersOf(words []string) *scheduler.Event_Offers {
	var offers []mesos.Offer
	for _, w := range words {
		name, rest, _ := strings.Cut(w, "@")
		parts := strings.Split(rest, ":")
		scalar := func(name, value string) mesos.Resource {
			v, _ := strconv.ParseFloat(value, 64)
			return mesos.Resource{
				Name: name, Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: v},
				AllocationInfo: &mesos.Resource_AllocationInfo{Role: proto("*")},
			}
		}
		resources := []mesos.Resource{scalar("cpus", parts[1]), scalar("mem", parts[2]), scalar("disk", "1024")}
		if len(parts) > 3 {
			var r mesos.Value_Range
			_, _ = fmt.Sscanf(parts[3], "%d-%d", &r.Begin, &r.End)
			resources = append(resources, mesos.Resource{
				Name: "ports", Type: mesos.RANGES.Enum(), Ranges: &mesos.Value_Ranges{Range: []mesos.Value_Range{r}},
				AllocationInfo: &mesos.Resource_AllocationInfo{Role: proto("*")},
			})
		}
		offers = append(offers, mesos.Offer{
			ID: mesos.OfferID{Value: name}, AgentID: mesos.AgentID{Value: parts[0]}, Hostname: parts[0] + ".example",
			AllocationInfo: &mesos.Resource_AllocationInfo{Role: proto("*")},
			Resources:      resources,
		})
	}
	return &scheduler.Event_Offers{Offers: offers}
}

func offersEvent(offers *scheduler.Event_Offers) *scheduler.Event {
	return &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: offers}
}

func proto[T any](v T) *T { return &v }
