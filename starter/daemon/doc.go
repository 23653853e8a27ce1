// Package daemon is what a superdaemon needs around a starter.Starter: a locked
// pid file, a status file, a log file or log command, a folder of environment
// variables, a start in the background, and the control of a superdaemon that
// runs in another process. All of it behaves as Perl's start_server, and its
// files are those of start_server.
//
// A PIDFile, StatusFile and EnvDir are connected to a Starter by its options:
//
//	pidFile, err := daemon.LockPIDFile("/run/api.pid")
//	...
//	defer pidFile.Close()
//	status, err := daemon.NewStatusFile("/run/api.status", func(err error) { log.Print(err) })
//	...
//	defer status.Close()
//	s, err := starter.New(starter.Options{
//		Ports:         []string{"8080"},
//		BeforeStart:   daemon.NewEnvDir("/etc/api/env").Apply,
//		ReportWorkers: status.Update,
//	})
//
// Files are opened without following links that other users can have created;
// see LinkError.
package daemon
