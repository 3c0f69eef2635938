package command

// Code is the outcome of a command or of a probe, one of the ER table of the
// 2012 clmgr: the seed's codes keep their numbers, the ER01xx are ours.
type Code string

// The codes in use.
const (
	OK                    Code = "000000"
	SQLFailure            Code = "ER0001"
	RemoteCommFailure     Code = "ER0002"
	DatabaseCommFailure   Code = "ER0003"
	RemoteManagerFailure  Code = "ER0004"
	MemcacheCommFailure   Code = "ER0005"
	RemoteWriteFailure    Code = "ER0006"
	RemoteMonitorFailure  Code = "ER0007"
	NoHeartbeatMemcached  Code = "ER0011"
	NoActionStatus        Code = "ER0014"
	NoActions             Code = "ER0015"
	DelayedUntilStart     Code = "ER0016"
	DelayedUntilCreation  Code = "ER0017"
	RemoteCommandFailed   Code = "ER0018"
	Starting              Code = "ER0019"
	Stopping              Code = "ER0020"
	Installing            Code = "ER0021"
	Removing              Code = "ER0022"
	Stopped               Code = "ER0023"
	Uninstalled           Code = "ER0024"
	NotUnderstood         Code = "ER0101"
	NothingMatches        Code = "ER0102"
	BadConfig             Code = "ER0103"
	StoreFailure          Code = "ER0104"
	Refused               Code = "ER0105"
	Interrupted           Code = "ER0106"
	SomethingIsNotRunning Code = "ER0107"
)

// texts are the state strings of the seed's documents, and ours in their manner.
var texts = map[Code]string{
	OK:                    "running",
	SQLFailure:            "SQL command failure",
	RemoteCommFailure:     "Remote manager communication failure",
	DatabaseCommFailure:   "Database communication failure",
	RemoteManagerFailure:  "Remote manager command failure",
	MemcacheCommFailure:   "Memcache communication failure",
	RemoteWriteFailure:    "Remote write configuration failure",
	RemoteMonitorFailure:  "Remote monitoring execution failure",
	NoHeartbeatMemcached:  "No memcached for heartbeat",
	NoActionStatus:        "No memcached status for action",
	NoActions:             "No memcached actions",
	DelayedUntilStart:     "Delayed start until instance start",
	DelayedUntilCreation:  "Delayed start until instance creation",
	RemoteCommandFailed:   "Remote command failed",
	Starting:              "Starting",
	Stopping:              "Stopping",
	Installing:            "Installing",
	Removing:              "Removing",
	Stopped:               "stopped",
	Uninstalled:           "Uninstalled",
	NotUnderstood:         "Command not understood",
	NothingMatches:        "Nothing matches",
	BadConfig:             "Configuration error",
	StoreFailure:          "Store failure",
	Refused:               "Refused",
	Interrupted:           "Interrupted",
	SomethingIsNotRunning: "Something is not running",
}

// Text returns the state string that stands beside the code in a document; for
// an unknown code the code itself.
func (c Code) Text() string {
	if t, ok := texts[c]; ok {
		return t
	}
	return string(c)
}
