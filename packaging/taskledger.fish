# fish completion for taskledger: asks the program itself, so that it never tells of what is not there.
function __taskledger_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l names
    # The commands before the cursor: `token create`.
    for word in $words[2..-1]
        string match -q -- '-*' $word; and break
        set -a names $word
    end
    set -l help ($words[1] $names --help 2>/dev/null); or return
    # What the flag before the cursor takes: `--data DIR`, `-o,--output FILE`, `--durability MODE:{fsync,os}`.
    if string match -qr -- '^--?[a-z][a-z-]*$' $words[-1]
        set -l kind (string replace -rf '^ +(?:-[a-z],)?'$words[-1]'(?:,--[a-z-]+)? ([^ ]+).*' '$1' -- $help)
        switch "$kind"
            case 'DIR*'
                __fish_complete_directories $current
                return
            case 'FILE*'
                __fish_complete_path $current
                return
            case '*{*}*'
                string split , (string replace -r '.*\{([^}]*)\}.*' '$1' -- $kind)
                return
        end
        if test $words[-1] = --scopes
            printf '%s\n' tasks:read tasks:write audit:read admin operator
            return
        end
    end
    if string match -q -- '-*' $current
        string match -ra -- '--[a-z][a-z-]*' $help | sort -u
        return
    end
    set -l commands (string join \n -- $help | awk '/^(Subcommands|SUBCOMMANDS):/ { on = 1; next } /^[^ ]/ { on = 0 } on && /^  [a-z]/ { print $1 }')
    if set -q commands[1]
        string join \n -- $commands
    else
        __fish_complete_path $current
    end
end
complete -c taskledger -f -a '(__taskledger_complete)'
