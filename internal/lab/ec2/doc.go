// Package ec2 is an endpoint of the EC2 Query API, version 2016-11-15, that the AWS
// SDKs and the aws command talk to as to the real one. Behind it are real machines
// ([Machines]), or none: an instance without a machine is only listed.
//
//	POST / ──► params ──► signature ──► faults ──► action ──► XML
//	                                      │          │
//	                                   refused     state ──► file, before the answer
//	                                   delayed       │
//	                                   cut           └─ driver, one an instance
//	                                                       │
//	                                              Machines: boot, halt, remove
//
// An action is a function of the state, the parameters and the time; it changes a copy,
// which becomes the state once it is on disk. What takes time happens afterwards:
//
//	RunInstances             StartInstances
//	     │                          │
//	     ▼           booted         │        StopInstances            halted
//	  pending ──────────────► running ──────────────────► stopping ──────────► stopped
//	     │                          │                                            │
//	     └──────────────────────────┴───────── TerminateInstances ──────────────┘
//	                                                    ▼            removed
//	                                              shutting-down ──────────────► terminated
//
// The driver goes on after a restart where the state says that a change is under way.
//
// Beside the API there is a side door for tests and demonstrations, for this host only:
//
//	GET, PUT, DELETE /_lab/faults      what goes wrong on purpose: [Faults]
//	GET, DELETE      /_lab/calls       how often each action was called: [Calls]
//	POST             /_lab/instances   instances without a machine: a list of [Virtual]
//
// A machine has one card: an interface that is attached brings its addresses to that one,
// where the machine must add them itself.
//
// Where the real service is larger than what is here (launch templates, volumes, IPv6,
// user data, IAM) parameters are accepted and ignored, and actions are refused with
// InvalidAction.
package ec2
