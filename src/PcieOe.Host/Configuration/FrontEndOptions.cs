using PcieOe.Daemon.Configuration;
using PcieOe.Host.FrontEnds.Nbd;
using PcieOe.Host.FrontEnds.Nbd.Protocol;
using PcieOe.Host.FrontEnds.VfioUser;

namespace PcieOe.Host.Configuration;

/// <summary>One front end of an attachment: a vfio-user socket, or an export of an NBD server.</summary>
internal sealed record FrontEndOptions
{
    public VfioUserOptions? VfioUser { get; init; }

    public NbdOptions? Nbd { get; init; }

    /// <summary>Null, and a problem, where the entry names no front end, or two.</summary>
    public static FrontEndOptions? Read(ConfigurationReader reader)
    {
        string? vfioUser = reader.Text("vfioUser");
        string? nbd = reader.Text("nbd");
        if (vfioUser is null == nbd is null)
        {
            reader.Report(string.Empty, "names no single front end: give it either \"vfioUser\" with the path of its socket, or \"nbd\" with unix:PATH or tcp:HOST:PORT.");
            return null;
        }

        return vfioUser is not null ? ReadVfioUser(reader, vfioUser) : ReadNbd(reader, nbd!);
    }

    private static FrontEndOptions ReadVfioUser(ConfigurationReader reader, string path)
    {
        bool mapsDoorbells = reader.Flag("mappedDoorbells", false);
        bool trustsUnsealed = reader.Flag("trustUnsealedMemory", false);
        CheckPath(reader, "vfioUser", path);
        return new FrontEndOptions
        {
            VfioUser = new VfioUserOptions { SocketPath = path, MapsDoorbells = mapsDoorbells, TrustsUnsealedMemory = trustsUnsealed },
        };
    }

    private static FrontEndOptions? ReadNbd(ConfigurationReader reader, string text)
    {
        string? export = reader.Text("export");
        bool isReadOnly = reader.Flag("readOnly", false);
        if (export is not null && System.Text.Encoding.UTF8.GetByteCount(export) > NbdExport.MaximumNameBytes)
        {
            reader.Report("export", $"is longer than {NbdExport.MaximumNameBytes} bytes, which is all that an export's name may have.");
        }

        if (!NbdAddress.TryParse(text, out NbdAddress? address))
        {
            reader.Report("nbd", $"is '{text}', where unix:PATH or tcp:HOST:PORT belongs; HOST is an IP address (IPv6 in brackets) or localhost.");
            return null;
        }

        if (address!.UnixPath is { } path)
        {
            CheckPath(reader, "nbd", path);
        }

        return new FrontEndOptions { Nbd = new NbdOptions { Address = address, Export = export, IsReadOnly = isReadOnly } };
    }

    private static void CheckPath(ConfigurationReader reader, string key, string path)
    {
        if (System.Text.Encoding.UTF8.GetByteCount(path) > 107)
        {
            reader.Report(key, "is longer than 107 bytes, which is all that a UNIX socket's path may have.");
        }
    }
}
