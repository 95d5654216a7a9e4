import ArgumentParser
import Yams
@main struct W: ParsableCommand { func run() { print("x") } }
