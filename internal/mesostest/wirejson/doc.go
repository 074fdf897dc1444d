// Package wirejson writes Mesos messages as JSON and reads them, the way libprocess does, and prints them as
// protobuf for C++ does.
//
// # What it promises
//
// Names, enums, bytes and numbers are those of the protobuf tags of mesos-go's structs, as a master expects and
// writes them: names in snake_case, enums by name, bytes as base64, a decimal point in every floating-point
// number. What a master tolerates is tolerated: a single value for a list, a number in a string, enum values
// that are not known. What it refuses is refused in its words. It does not use the JSON methods of mesos-go,
// which fail where Mesos drops a value.
//
// # What it does not
//
// It reads and writes any struct with protobuf tags, but knows neither oneofs, nor groups, nor maps whose keys
// are not strings: Mesos' v1 API has none. Messages are trees: one that contains itself never ends.
//
// # Goroutines
//
// None. All functions may be called concurrently as long as nobody changes the message.
package wirejson
