module inorder/bench

go 1.26.0

require inorder v0.0.0

replace inorder => ../
