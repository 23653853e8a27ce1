// Prints the problems that Visual Studio Code shows for the output of a background task,
// by the rules of its WatchingProblemCollector (src/vs/workbench/contrib/tasks/common/
// problemCollectors.ts) and https://code.visualstudio.com/docs/debugtest/tasks:
//
// - Escape sequences are removed. Each line is compared with beginsPattern, then with
//   endsPattern, and only then with the pattern of a problem.
// - With activeOnStart the task is active before its first line. A line that begins an
//   active task, or ends a task that is not active, is compared with the problems.
// - Where the task becomes active, the files that have problems are remembered. Where it
//   ends, those of them that have no new problem lose their old ones.
// - The problems of a file are shown when the next file has one, when the task begins or
//   ends, and three seconds after the last line. They replace the older ones of that file.
//
// usage: node vscode_problems.js TASKS.JSON FOLDER <OUTPUT
'use strict'
const fs = require('fs')
const path = require('path')

const task = JSON.parse(fs.readFileSync(process.argv[2], 'utf8')).tasks[0]
const folder = process.argv[3]
const matcher = task.problemMatcher
const begins = new RegExp(matcher.background.beginsPattern)
const ends = new RegExp(matcher.background.endsPattern)
const problem = new RegExp(matcher.pattern.regexp)

const shown = new Map() // problems by file
let found = new Map() // since the task became active
let delivered = new Map() // number of found problems that are shown, by file
const toClean = new Set()
let current // file of the last problem
let active = matcher.background.activeOnStart

function deliver() {
  if (current !== undefined && found.has(current) && found.get(current).size !== delivered.get(current)) {
    shown.set(current, [...found.get(current).values()])
    delivered.set(current, found.get(current).size)
  }
}

function forget() {
  deliver()
  current = undefined
  found = new Map()
  delivered = new Map()
}

// resolve finds a file by fileLocation: ["autoDetect", FOLDER].
function resolve(name) {
  const [kind, prefix] = matcher.fileLocation
  if (kind !== 'autoDetect') throw new Error(`unknown fileLocation ${kind}`)
  const relative = path.join(prefix.replace('${workspaceFolder}', folder), name)
  return fs.existsSync(relative) ? relative : path.normalize(name)
}

function processLine(line) {
  if (begins.test(line) && !active) {
    active = true
    forget()
    for (const file of shown.keys()) toClean.add(file)
    return
  }
  if (ends.test(line) && active) {
    active = false
    deliver()
    for (const file of toClean) shown.delete(file)
    toClean.clear()
    forget()
    return
  }
  const match = problem.exec(line)
  if (!match) return
  const file = resolve(match[matcher.pattern.file].trim())
  const text = `${path.relative(folder, file)}:${match[matcher.pattern.line]}:${match[matcher.pattern.column]}: ${match[matcher.pattern.message].trim()}`
  toClean.delete(file)
  if (!found.has(file)) found.set(file, new Map())
  found.get(file).set(text, text)
  if (current !== file) {
    deliver()
    current = file
  }
}

const escapes = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))/g
const lines = fs.readFileSync(0, 'utf8').replace(escapes, '').split(/\r*\n/)
lines.pop() // what follows the last newline is not a line yet
lines.forEach(processLine)
deliver() // after three seconds
process.stdout.write(JSON.stringify({ active, problems: [...shown.values()].flat().sort() }))
