# Adds up what the test runners say in their closing lines: prints "passed failed skipped lines".
#
# cargo test      test result: ok. 12 passed; 0 failed; 0 ignored; ...
# node --test     # pass 12 / # fail 0 / # skipped 0      (with a symbol instead of # on a terminal)
# vitest          Tests  1 failed | 11 passed | 1 skipped (13)
# our scripts     12 passed, 0 failed

{ gsub(/\033\[[0-9;]*m/, "") }
/^test result: |^ *Tests  |^[0-9]+ passed, |^[^ ]+ pass [0-9]+$/ { lines++ }

/^test result: / { passed += before("passed"); failed += before("failed"); skipped += before("ignored"); next }
/^ *Tests  / { passed += before("passed"); failed += before("failed"); skipped += before("skipped"); next }
/^[0-9]+ passed, [0-9]+ failed/ { passed += $1; failed += $3; skipped += before("skipped"); next }
/^[^ ]+ pass [0-9]+$/ { passed += $3; next }
/^[^ ]+ (fail|cancelled) [0-9]+$/ { failed += $3; next }
/^[^ ]+ (skipped|todo) [0-9]+$/ { skipped += $3; next }

# The number in front of a word of this line; 0 when the word is not there.
function before(word,    i) {
  for (i = 2; i <= NF; i++) if (index($i, word) == 1) return $(i - 1) + 0
  return 0
}

END { print passed + 0, failed + 0, skipped + 0, lines + 0 }
