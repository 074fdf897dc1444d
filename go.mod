module github.com/mesos-actor/mesos-actor-go

go 1.25

require (
	github.com/gogo/protobuf v1.3.2
	github.com/google/uuid v1.6.0
	github.com/mesos/mesos-go v0.0.11
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/pquerna/ffjson v0.0.0-20190930134022-aa0246cd15f7 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)
