# The guardian of one throwaway server: owns its directory, is its parent process, and outlives whoever
# asked for it just long enough to clean up.
#
# usage: sh -c THIS sh DIRECTORY SIGNAL
# stdin: a pipe of which only the caller holds the other end. The first line is a number, and as many
#        lines follow, which are the words of the program to be started. End of file, at any moment,
#        means that the caller is gone or does not want it any more.
#
# Nothing is written to stdout or stderr: with the caller gone, that would be SIGPIPE in mid-cleaning.
directory=$1
signal=$2

# A terminal that closes and an interrupt that was meant for the caller are not meant for us. Postgres
# installs its own handlers, so that what is inherited here does not matter to it.
trap '' HUP INT TERM

umask 077
mkdir "$directory" || exit 73

remove() {
    # What the program has left running may write for a moment longer.
    rounds=0
    while [ -e "$directory" ] && [ "$rounds" -lt 100 ]; do
        rm -rf "$directory" 2>/dev/null && break
        rounds=$((rounds + 1))
        sleep 0.1 2>/dev/null || sleep 1
    done
}

stop() {
    while read -r _; do :; done
    rounds=0
    # Again and again: the program may not have installed its handlers when the first one arrives, and
    # a process that was stopped only sees signals after CONT.
    while kill -s 0 "$1" 2>/dev/null && [ ! -e "$directory/exited" ]; do
        if [ "$rounds" -lt 60 ]; then
            kill -s "$signal" "$1" 2>/dev/null
        else
            kill -s KILL "$1" 2>/dev/null
        fi
        kill -s CONT "$1" 2>/dev/null
        rounds=$((rounds + 1))
        sleep 0.2 2>/dev/null || sleep 1
    done
    # The process below does this too, unless somebody has killed it.
    remove
}

words() {
    read -r left || return 1
    while [ "$left" -gt 0 ]; do
        IFS= read -r word || return 1
        set -- "$@" "$word"
        left=$((left - 1))
    done
    run "$@"
}

run() {
    # An asynchronous command reads from /dev/null unless told otherwise: the pipe goes by descriptor 3.
    exec 3<&0
    "$@" </dev/null >>"$directory/log" 2>&1 3<&- &
    program=$!
    stop "$program" <&3 &
    stopper=$!
    exec 3<&-
    echo "$program" >"$directory/pid.new" && mv "$directory/pid.new" "$directory/pid"
    wait "$program"
    status=$?
    echo "$status" >"$directory/exited.new" && mv "$directory/exited.new" "$directory/exited"
    # Who started us may still want to read the log: the directory stays until the end of file.
    wait "$stopper"
}

words
remove
exit 0
