/** Shells that completion is made for. */
export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** What the shell is to read: it asks `roundabout complete-words` at each press of the key, so that it never knows less than the command
 *  line. A line is a word, a tab and what it means; the line `:files` asks for names of files. */
export const completionScripts: Readonly<Record<Shell, string>> = {
  bash: `# Completion of roundabout for bash: source <(roundabout completion bash)
_roundabout() {
  local line current=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o filenames 2>/dev/null
      mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current")
    elif [[ \${line%%$'\\t'*} == "$current"* ]]; then
      COMPREPLY+=("\${line%%$'\\t'*}")
    fi
  done < <("\${COMP_WORDS[0]}" complete-words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _roundabout roundabout roundabout-gateway`,
  zsh: `#compdef roundabout roundabout-gateway
# Completion of roundabout for zsh: source <(roundabout completion zsh), after compinit
_roundabout() {
  local line
  local -a found
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      _files
    else
      found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done < <("\${words[1]}" complete-words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#found} )) && _describe -t roundabout roundabout found
}
compdef _roundabout roundabout roundabout-gateway`,
  fish: `# Completion of roundabout for fish: roundabout completion fish | source
function __roundabout_complete
  set -l words (commandline -opc)
  for line in ($words[1] complete-words -- $words[2..] (commandline -ct) 2>/dev/null)
    if test "$line" = :files
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c roundabout -f -a '(__roundabout_complete)'
complete -c roundabout-gateway -f -a '(__roundabout_complete)'`,
};
