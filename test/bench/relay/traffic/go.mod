module traffic

go 1.26.0
