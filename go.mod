module inorder

go 1.26.0
