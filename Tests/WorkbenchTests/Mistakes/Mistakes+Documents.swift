extension Mistake {
  /// Scenarios, plans, mappings and other documents that are wrong, with the place.
  static let documents = table(
    #"""
    66 workbench check absent.yaml
         absent.yaml: error: there is no such file. Correct its name, or put it there.
    66 workbench run absent.yaml
         absent.yaml: error: there is no such file. Correct its name, or put it there.
    65 workbench run empty.yaml
         empty.yaml:1:1: error: the document is empty. "workbench init" writes a starter.
    65 workbench run tab.yaml
         tab.yaml:2:1: error: not YAML: found a tab character that violates indentation. Look for a missin…
    65 workbench run latin1.yaml
         latin1.yaml:1:10: error: not UTF-8. Save the file as UTF-8.
    66 workbench run .
         .: error: it is a directory, not a file. Name a file.
    65 workbench run - < /dev/null
         -: error: nothing is given on standard input. Pipe a document into the command, or name a file.
    1 workbench check - < misspelt.yaml
         -:1:1: error: name is missing. The scenario's name.
    65 workbench run - < misspelt.yaml
         -:1:1: error: name is missing. The scenario's name.
    65 cat misspelt.yaml | workbench run -
         -:1:1: error: name is missing. The scenario's name.
    65 workbench run misspelt.yaml
         misspelt.yaml:1:1: error: name is missing. The scenario's name.
    1 workbench check misspelt.yaml
         misspelt.yaml:1:1: error: name is missing. The scenario's name.
    65 workbench run unquoted.yaml
         unquoted.yaml:2:11: error: not YAML: mapping values are not allowed in this context. Look for a m…
    65 workbench run wrong-range.yaml
         wrong-range.yaml:17:49: error: maxReplicas 300 is out of range. It must be 1 to 256.
    65 workbench run above-platform.yaml
         above-platform.yaml:17:49: error: maxReplicas 51 is above the platform's 50, its own limit. Lower…
    65 workbench run above-stated.yaml
         above-stated.yaml:18:49: error: maxReplicas 2 is above the platform's 1, which account.platform.m…
    65 workbench run hardware-limit.yaml
         hardware-limit.yaml:17:49: error: maxReplicas 2 is above the subscription's 1 on "A10 single". Lo…
    65 workbench run pool-limit.yaml
         pool-limit.yaml:18:49: error: maxReplicas 2 is above the one machine of the pool "A10 single". Lowe…
    65 workbench run pool-hardware.yaml
         pool-hardware.yaml:6:12: error: hardware "A11 single" is not in the price list. Did you mean A10 …
    65 workbench run pool-twice.yaml
         pool-twice.yaml:6:12: error: "T4 single" is given twice. Keep one of them.
    65 workbench run spot-price.yaml
         spot-price.yaml:6:32: error: spot machines have no price. Give price, a share of the hardware's, …
    65 workbench run spot-notice.yaml
         spot-notice.yaml:6:81: error: the notice is not shorter than the time between reclaims, on averag…
    65 workbench run unknown-limit.yaml
         unknown-limit.yaml:6:50: error: hardware "A11 single" is not in the price list. Did you mean A10 …
    65 workbench run wrong-choice.yaml
         wrong-choice.yaml:9:11: error: kind "opensource" is not one of fineTuned, openSource, external. D…
    65 workbench run wrong-unit.yaml
         wrong-unit.yaml:18:26: error: time 1 has no unit. Write a number and a unit: us, ms, s, min, h, d…
    65 workbench run wrong-instant.yaml
         wrong-instant.yaml:3:17: error: from "2026-02-30" is not a date of the calendar. Write 2026-01-05…
    65 workbench run wrong-zone.yaml
         wrong-zone.yaml:6:13: error: unknown time zone "America/New_Yrok". Use an IANA name such as Ameri…
    65 workbench run wrong-hardware.yaml
         wrong-hardware.yaml:16:19: error: hardware "A10 singel" is not in the price list. Did you mean A1…
    65 workbench run wrong-distribution.yaml
         wrong-distribution.yaml:18:28: error: unknown key "lognromal". Did you mean lognormal?
    65 workbench run wrong-policy.yaml
         wrong-policy.yaml:17:79: error: unknown key "queueLenght". Did you mean queueLength?
    65 workbench run backwards.yaml
         backwards.yaml:3:33: error: the period ends before it starts. It is half open: to is the instant …
    65 workbench run twice.yaml
         twice.yaml:19:5: error: "name" is given twice. Keep one of them.
    65 workbench run no-models.yaml
         no-models.yaml:1:1: error: models is missing. Name at least one model.
    65 workbench run list.yaml
         list.yaml:1:1: error: a list where a mapping is expected (A scenario of the Model Analytics Workb…
    1 workbench check absent-trace.yaml
         absent-trace.yaml:11:26: error: …
    1 workbench check bad-trace.yaml
         bad-trace.yaml:11:26: error: …
    65 workbench run wrong-profile.yaml
         wrong-profile.yaml:13:16: error: no rate profile is called "nihgt". Define it under profiles.rate…
    65 workbench run wrong-expect.yaml
         wrong-expect.yaml:3:11: error: there is no metric "latensy.p95". Did you mean latency.p95? There …
    65 workbench run wrong-incident.yaml
         wrong-incident.yaml:7:37: error: no model is called "chta". Did you mean chat?
    65 workbench run wrong-model-name.yaml
         wrong-model-name.yaml:7:40: error: unknown provider "OpenIA". Did you mean OpenAI?
    1 workbench check negative.yaml --strict
         negative.yaml:18:36: warning: 15.87 % of the values of time are negative and count as 0. Give min…
    65 workbench run good.yaml --set seed
         --set seed: error: not of the form PATH=VALUE. Write for instance models.0.load.arrivals.poisson.…
    65 workbench run good.yaml --set seed=
         --set seed=: error: seed must be a whole number, not "".
    65 workbench run good.yaml --set seeed=3
         --set seeed=3: error: unknown key "seeed". Did you mean seed?
    65 workbench run good.yaml --set models.chta.load.scale=2
         --set models.chta.load.scale=2: error: the list has no element "chta". Name one, or give a number…
    65 workbench run good.yaml --set models.9.load.scale=2
         --set models.9.load.scale=2: error: the list has no element "9". Name one, or give a number from …
    65 workbench run good.yaml --set models.chat.load.arrivals.poisson.rate=fast
         --set models.chat.load.arrivals.poisson.rate=fast: error: rate must be a rate, not "fast". Write …
    65 workbench run good.yaml --set name.x=3
         --set name.x=3: error: the path continues with "x", but the value there is "good". Shorten the pa…
    65 workbench run good.yaml --set period.to=2025-01-01
         --set period.to=2025-01-01: error: the period ends before it starts. It is half open: to is the i…
    65 workbench run good.yaml --set seed+=3
         --set seed+=3: error: seed must be a whole number, not a list.
    65 workbench run good.yaml --set 'models.chat.deployments.V1.scaling={'
         --set models.chat.deployments.V1.scaling={: error: not YAML: did not find expected node content. …
    66 workbench check good.yaml absent.yaml
         absent.yaml: error: there is no such file. Correct its name, or put it there.
    1 workbench check good.yaml --set models.chat.deployments.V1.hardware=A11
         --set models.chat.deployments.V1.hardware=A11: error: hardware "A11" is not in the price list. Kn…
    1 workbench check pointless.yaml --strict
         pointless.yaml:7:22: warning: no load names the rate profile "night". Name it as a load's profile…
    66 workbench plan good.yaml --file absent.yaml
         absent.yaml: error: there is no such file. Correct its name, or put it there.
    65 workbench plan good.yaml --file bad-plan.yaml
         bad-plan.yaml:3:3: error: vary must be a mapping of names to values, not a list. Write vary: { NAME…
    65 workbench plan good.yaml --file bad-cases.yaml
         bad-cases.yaml:3:24: error: "much" is not a share. Write 20% or 0.2.
    65 workbench plan good.yaml --file bad-decisions.yaml
         bad-decisions.yaml:3:26: error: unknown key "queueLenght". Did you mean queueLength?
    66 workbench plan absent.yaml
         absent.yaml: error: there is no such file. Correct its name, or put it there.
    65 workbench plan misspelt.yaml
         misspelt.yaml:1:1: error: name is missing. The scenario's name.
    66 workbench compare run run --tolerances absent.yaml
         absent.yaml: error: there is no such file. Correct its name, or put it there.
    65 workbench compare run run --tolerances bad-tolerances.yaml
         bad-tolerances.yaml:3:5: error: a rule needs a path or a metric, one of them.
    66 workbench expect run --file absent.yaml
         absent.yaml: error: there is no such file. Correct its name, or put it there.
    65 workbench expect run --file bad-objectives.yaml
         bad-objectives.yaml:2:11: error: "5" is not a bound on latency.p95. Write a duration such as 2s o…
    65 workbench expect run --file lost-objectives.yaml
         lost-objectives.yaml:2:11: error: models.chta.latency.p95 <= 5s: there is no model "chta". Did yo…
    65 workbench expect run --scenario misspelt.yaml
         misspelt.yaml:1:1: error: name is missing. The scenario's name.
    66 workbench import table export.csv --mapping absent.yaml -o x
         absent.yaml: error: there is no such file. Correct its name, or put it there.
    65 workbench import table export.csv --mapping bad-mapping.yaml -o x
         bad-mapping.yaml:4:3: error: unknown key "arivedAt". Did you mean arrivedAt?
    65 workbench serve --live misspelt.yaml
         misspelt.yaml:1:1: error: name is missing. The scenario's name.
    66 workbench serve --live absent.yaml
         absent.yaml: error: there is no such file. Correct its name, or put it there.
    65 workbench fixture misspelt.yaml -o x
         misspelt.yaml:1:1: error: name is missing. The scenario's name.
    66 workbench fixture absent.yaml -o x
         absent.yaml: error: there is no such file. Correct its name, or put it there.
    66 workbench baseline check steadi --scenarios scenarios --baselines b
         scenarios/steadi.yaml: error: there is no such scenario. Did you mean steady? There are: steady.
    66 workbench baseline check --scenarios absent
         absent: error: there is no such directory. Say where it is.
    66 workbench baseline update staedy --scenarios scenarios --baselines b
         scenarios/staedy.yaml: error: there is no such scenario. Did you mean steady? There are: steady.
    """#)
}
