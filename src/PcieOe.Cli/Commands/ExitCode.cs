namespace PcieOe.Cli.Commands;

/// <summary>What a command's end says.</summary>
internal static class ExitCode
{
    internal const int Success = 0;
    internal const int Failure = 1;
    internal const int Usage = 2;

    /// <summary>128 + SIGINT, as shells have it.</summary>
    internal const int Interrupted = 130;
}
