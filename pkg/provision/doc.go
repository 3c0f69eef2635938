// Package provision makes a bare machine carry a service: packages, configuration, data.
// Each step looks, does what is missing, and looks again, so that one that was cut short
// is simply run again; what is as wanted costs one command and changes nothing, not even
// a file's time.
//
//	Look       what of all that a machine lacks, by one command    look.go, question.go
//	Packages   apt or dnf, as a job that outlives its connection   packages.go
//	           a repository and its key, a tarball             binaries.go, repository.go, archive.go
//	Recipe     commands and files that the configuration gives     recipe.go, recipe_script.go, recipe_remove.go
//	Templates  of the files below, or the user's own               own_template.go
//	Memcached  its configuration                                   memcached.go
//	HAProxy    a port for writes, a port for reads                 haproxy.go
//	Keepalived an address that goes where a balancer answers       keepalived.go
//	           the three of them: one file, and the unit with it   served.go
//	MariaDB    configuration, data directory, accounts             mariadb.go
//	           the configuration alone                         mariadb_configure.go
//	Place      where a machine's first MariaDB is, and each other   place.go
//	Health     what answers balancers beside it; a way to stop     health.go, health.pl, drain.go
//	Adoption   of a MariaDB that somebody else has made, as it runs adopt.go, adopt_do.go
//	           what its server takes without a restart             adopt_settings.go
//	Removal    what laying out has made is taken away again        remove.go, mariadb_remove.go
//	Replica    following a source by GTID, proved by a row         replica.go
//	           given a copy first, of whom                         replica_sync.go
//	           whether its source waits for it                     semisync.go
//	Handover   the role of primary to another one and back         handover.go
//	           who may have it; how all are found                  handover_gates.go, handover_look.go
//	           restarted meanwhile                                 handover_restart.go
//	Clone      a donor's data in the place of a replica's own      clone.go
//	           its two ends, and how the data are exchanged        clone_send.go, clone_receive.go, clone_swap.go
package provision
