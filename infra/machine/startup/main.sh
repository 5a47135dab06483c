# with_lock FUNCTION [ARGUMENT...]: a boot and an upgrade never run at the same time.
with_lock() {
  exec 9>"$RUN/lock"
  flock 9
  "$@"
  exec 9>&-
}

# The watch starts early: it runs a boot that failed again, until nothing is left to do.
boot() {
  step files quick put_script_and_files
  step watch quick start_watch
  step packages long install_packages
  step disk quick mount_data_disk
  step datastore quick mount_datastore
  step kernel quick set_kernel_defaults
  step firewall quick load_firewall
  step token long fetch_token
  step recovery quick roll_back
  step k3s long install_k3s
  step start long start_k3s
  step kubeconfig quick publish_kubeconfig
  report_configuration
  publish_steps
}

# Whether the last step of a boot has succeeded since the machine went up.
is_set_up() {
  grep -q $'^kubeconfig\tok\t' "$RUN/steps" 2>/dev/null
}

# Does nothing when the watch runs this boot.
start_watch() {
  systemctl daemon-reload
  systemctl start --no-block claude-gateway-watch.service
}

main() {
  umask 077
  mkdir -p "$RUN"
  trap 'on_error "$LINENO" "$BASH_COMMAND"' ERR
  trap on_exit EXIT
  case ${1:-boot} in
    boot) with_lock boot ;;
    watch) watch ;;
    resume) with_lock resume ;;
    upgrade) with_lock upgrade "$2" ;;
    try-upgrade) try_upgrade "$2" ;;
    maintain) with_lock maintain ;;
    publish-kubeconfig) with_lock publish_again ;;
    keep-reserve) with_lock keep_reserve ;;
    send-logs) with_lock send_logs ;;
    tell) with_lock tell ;;
    *) fail "unknown command $1" ;;
  esac
}

main "$@"
