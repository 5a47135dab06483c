module claude-gateway/lab/pause

go 1.26.0
