using System.Runtime.InteropServices;

namespace PcieOe.Host.FrontEnds.VfioUser.Wire;

/// <summary>VERSION, both ways; JSON with the capabilities may follow, ended by a NUL ("Version negotiation").</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct VersionMessage
{
    public const int Bytes = 4;

    public ushort Major;
    public ushort Minor;
}
