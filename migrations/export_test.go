package migrations

var ApplyFiles = apply
