// Package whiskconf reads the settings of an OpenWhisk invoker that uses Mesos: the environment variables CONFIG_whisk_… and the
// manifest of runtimes. [FromEnv] returns the configs of the scheduler, the engine and the invoker of this library.
//
// Settings keep their names and defaults. Where OpenWhisk's documents and its code disagree about a name, both are read.
// docs/invoker.md has a table of what each setting does here.
//
// What cannot be used is an error that names the setting, its environment variable and its value; all such errors are returned
// together. Settings of the container factory, pool and proxy that have no effect are warnings. All others, such as
// those of the database, are ignored. The package has no goroutines, and does not read the environment by itself.
package whiskconf
