using PcieOe.Daemon.Configuration;
using PcieOe.Host.FrontEnds.VfioUser;

namespace PcieOe.Host.Configuration;

/// <summary>One front end of an attachment: a vfio-user socket.</summary>
internal sealed record FrontEndOptions
{
    public VfioUserOptions? VfioUser { get; init; }

    /// <summary>Null, and a problem, where the entry names no front end.</summary>
    public static FrontEndOptions? Read(ConfigurationReader reader)
    {
        string? vfioUser = reader.Text("vfioUser");
        bool mapsDoorbells = reader.Flag("mappedDoorbells", false);
        bool trustsUnsealed = reader.Flag("trustUnsealedMemory", false);
        if (vfioUser is null)
        {
            reader.Report(string.Empty, "names no front end: give it \"vfioUser\" with the path of its socket.");
            return null;
        }

        if (System.Text.Encoding.UTF8.GetByteCount(vfioUser) > 107)
        {
            reader.Report("vfioUser", "is longer than 107 bytes, which is all that a UNIX socket's path may have.");
        }

        return new FrontEndOptions
        {
            VfioUser = new VfioUserOptions { SocketPath = vfioUser, MapsDoorbells = mapsDoorbells, TrustsUnsealedMemory = trustsUnsealed },
        };
    }
}
