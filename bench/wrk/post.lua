-- Every request is a POST without a body.
wrk.method = "POST"
