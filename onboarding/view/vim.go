package view

// Check is what was found out about a VIM.
type Check struct {
	VIM           string   `json:"vim"`
	AuthURL       string   `json:"authUrl"`
	Region        string   `json:"region,omitempty"`
	User          string   `json:"user,omitempty"`
	Project       Project  `json:"project"`
	Roles         []string `json:"roles"`
	Endpoint      string   `json:"endpoint,omitempty"`
	APIVersion    string   `json:"apiVersion,omitempty"`
	LatencyMS     int64    `json:"latencyMs"`
	HashAlgorithm string   `json:"hashAlgorithm,omitempty"`
	ImportMethods []string `json:"importMethods"`
	Quotas        []Quota  `json:"quotas"`
	MayPublish    Answer   `json:"mayPublish"`
	Problems      []string `json:"problems"`
	Error         string   `json:"error,omitempty"`
}

// Project is a project (tenant) of a VIM.
type Project struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// Quota is a limit that a VIM keeps for the project.
type Quota struct {
	Name  string `json:"name"`
	Limit int64  `json:"limit"` // -1: none
	Used  int64  `json:"used"`
}

// Answer is what was found out about a yes-or-no question, and how.
type Answer struct {
	Verdict string `json:"verdict"` // yes, no or unknown
	How     string `json:"how,omitempty"`
}
