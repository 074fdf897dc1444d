package taskmatcher_test

import (
	"fmt"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// The grid: tasks × offers. "fits": there is room for all tasks. "full": no offer fits any task,
// the worst case, which looks at every pair. Half of the tasks have a constraint.
func BenchmarkFirstFit(b *testing.B) {
	for _, room := range []string{"fits", "full"} {
		for _, tasks := range []int{10, 100, 1000} {
			for _, offers := range []int{10, 100, 1000} {
				b.Run(fmt.Sprintf("%s/tasks=%d/offers=%d", room, tasks, offers), func(b *testing.B) {
					mem := 32.0
					if room == "full" {
						mem = 1e6
					}
					specs, free := benchSpecs(tasks, mem), benchOffers(offers, tasks)
					b.ReportAllocs()
					for b.Loop() {
						placements, rejections := taskmatcher.FirstFit{}.Match(specs, free)
						if len(placements)+len(rejections) != tasks || (len(rejections) == 0) != (room == "fits") {
							b.Fatalf("%d placements, %d rejections", len(placements), len(rejections))
						}
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(tasks), "ns/task")
				})
			}
		}
	}
}

func benchSpecs(n int, mem float64) []task.Spec {
	specs := make([]task.Spec, n)
	for i := range specs {
		specs[i] = task.Spec{ID: fmt.Sprint("task", i), CPUs: 0.1, Mem: mem, Ports: make([]task.Port, 1)}
		if i%2 == 0 {
			specs[i].Constraints = []task.Constraint{{Attribute: "rack", Operator: task.Like, Value: "r[1-9]"}}
		}
	}
	return specs
}

// benchOffers have room for twice the tasks in all.
func benchOffers(n, tasks int) []task.Offer {
	offers := make([]task.Offer, n)
	each := 2*tasks/n + 1
	for i := range offers {
		offers[i] = task.Offer{
			ID: fmt.Sprint("offer", i), AgentID: fmt.Sprint("S", i), Hostname: fmt.Sprint("agent", i), Role: "test",
			Resources: []mesos.Resource{
				allocate(ranges("ports", 31000, 32999), "test"),
				allocate(scalar("cpus", 0.1*float64(each)), "test"),
				allocate(scalar("mem", 32*float64(each)+float64(i%7)), "test"),
				allocate(scalar("disk", 1000), "test"),
			},
			Attributes: []mesos.Attribute{text("zone", "z1"), text("rack", fmt.Sprint("r", 1+i%9))},
		}
	}
	return offers
}
