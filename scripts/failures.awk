# What failed, a line each, as the test runners name it, with the reason where they give one.
#
# cargo test      test a::b ... FAILED     and     thread 'a::b' (17) panicked at file:line: / the reason
# node --test     ✖ name (12ms)
# vitest          FAIL  file > name
# Playwright        1) file:line › name
# our scripts     FAILED  sentence / the reason

{ gsub(/\033\[[0-9;]*m/, "") }
is_reason { print "    " substr($0, 1, 300); is_reason = 0; next }
/^test .* \.\.\. FAILED$/ { once($2) }
/^thread '.*panicked at / { print "  " substr($0, 1, 200); is_reason = 1 }
/^ *✖ / && !/failing tests:/ { sub(/ \([0-9.]+ms\)$/, ""); sub(/^ *✖ */, ""); once($0) }
/^ *FAIL  / { sub(/^ *FAIL +/, ""); once($0) }
/^  [0-9]+\) .*›/ { sub(/^ *[0-9]+\) /, ""); once($0) }
/^FAILED  / { once(substr($0, 9)); is_reason = 1 }
/^error(\[E[0-9]+\])?: / { once($0) }

function once(name) { if (!(name in told)) print "  " name; told[name] = 1 }
