module example.com/verify-jws

go 1.21
