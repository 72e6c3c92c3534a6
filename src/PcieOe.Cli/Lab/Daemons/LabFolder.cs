using System.Globalization;

namespace PcieOe.Cli.Lab.Daemons;

/// <summary>A temporary folder for a lab's configurations, sockets and media; it goes away with the lab.</summary>
internal sealed class LabFolder : IDisposable
{
    private int _numbers;

    internal LabFolder()
    {
        Path = Directory.CreateTempSubdirectory("pcieoe-lab-").FullName;
    }

    internal string Path { get; }

    /// <summary>A number for names that must not be used twice.</summary>
    internal string NextNumber() => Interlocked.Increment(ref _numbers).ToString(CultureInfo.InvariantCulture);

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
            // A daemon that was only just killed may still hold a file for a moment; the system's own cleaning takes the rest.
        }
    }
}
