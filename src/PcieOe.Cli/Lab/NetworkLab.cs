using System.Diagnostics;

namespace PcieOe.Cli.Lab;

/// <summary>
/// Two network namespaces joined by a pair of virtual Ethernet interfaces, and the processes in them: two boxes and a cable on one machine.
/// Disposing it ends the processes; the rest vanishes with them, also when this process is killed.
/// </summary>
public sealed class NetworkLab : IDisposable
{
    private static readonly TimeSpan GraceForProcesses = TimeSpan.FromSeconds(3);

    private readonly List<Process> _processes = [];

    private NetworkLab(NetworkNamespace first, NetworkNamespace second)
    {
        First = first;
        Second = second;
    }

    public NetworkNamespace First { get; }

    public NetworkNamespace Second { get; }

    /// <summary>The interface's name in either namespace.</summary>
    public const string InterfaceName = "pcieoe0";

    /// <exception cref="LabException">This process may not, or the kernel has no virtual Ethernet.</exception>
    public static NetworkLab Create(int mtu)
    {
        NetworkNamespace first = NetworkNamespace.Create("first");
        NetworkNamespace? second = null;
        try
        {
            second = NetworkNamespace.Create("second");
            NetworkLab lab = new(first, second);
            lab.CreateCable(mtu);
            return lab;
        }
        catch
        {
            second?.Dispose();
            first.Dispose();
            throw;
        }
    }

    /// <summary>Joins the namespaces, also anew after the cable was cut by deleting an interface.</summary>
    public void CreateCable(int mtu)
    {
        First.Run(() => RouteNetlink.CreateVirtualEthernetPair(InterfaceName, InterfaceName, Second.Descriptor, mtu));
        First.Run(() => RouteNetlink.SetUp(InterfaceName, true));
        Second.Run(() => RouteNetlink.SetUp(InterfaceName, true));
    }

    /// <summary>Starts a process in one of the namespaces; it ends with the lab at the latest.</summary>
    public Process Start(NetworkNamespace place, ProcessStartInfo start, int? processor = null)
    {
        Process process = place.Start(start, processor);
        _processes.Add(process);
        return process;
    }

    /// <summary>Ends the processes at once; from any thread.</summary>
    public void EndProcesses()
    {
        foreach (Process process in _processes.ToArray())
        {
            End(process);
        }
    }

    public void Dispose()
    {
        EndProcesses();
        _processes.ForEach(process => process.Dispose());
        Second.Dispose();
        First.Dispose();
    }

    private static void End(Process process)
    {
        try
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
                process.WaitForExit(GraceForProcesses);
            }
        }
        catch (InvalidOperationException)
        {
            // It ended by itself in between.
        }
    }
}
