using System.Diagnostics;
using System.Runtime.InteropServices;
using PcieOe.Transport.Interop;

namespace PcieOe.Cli.Lab;

/// <summary>
/// A user without privileges may still be root in a user namespace, where network namespaces can be made. Only a process of one thread can
/// enter one, so this program is replaced by 'unshare', which starts it again inside.
/// </summary>
internal static class UserNamespace
{
    private const string InsideVariable = "PCIEOE_IN_USER_NAMESPACE";
    private static readonly string[] EnterOptions = ["--user", "--map-root-user", "--net"];

    /// <summary>
    /// Returns when network namespaces can be made in this process. Otherwise starts the program again where they can (and does not return),
    /// or throws when there is no such place.
    /// </summary>
    /// <param name="arguments">The program's own arguments.</param>
    internal static void EnterIfNeeded(IReadOnlyList<string> arguments)
    {
        try
        {
            NetworkNamespace.Create("trial").Dispose();
            return;
        }
        catch (LabException) when (Environment.GetEnvironmentVariable(InsideVariable) is null && Allows())
        {
        }

        string unshare = ProgramPath.Find("unshare")!;
        string?[] command = [unshare, .. EnterOptions, "--", "env", $"{InsideVariable}=1", .. ProgramPath.Self(), .. arguments, null];
        _ = NamespaceCalls.Execute(unshare, command);
        throw new LabException($"Could not start {unshare}: {Errno.Describe(Marshal.GetLastPInvokeError())}.");
    }

    private static bool Allows()
    {
        if (ProgramPath.Find("unshare") is not { } unshare)
        {
            return false;
        }

        ProcessStartInfo start = new(unshare, [.. EnterOptions, "true"]) { RedirectStandardError = true };
        using Process? trial = Process.Start(start);
        trial?.WaitForExit();
        return trial?.ExitCode == 0;
    }
}
