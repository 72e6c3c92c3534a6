using System.Xml.Linq;
using Xunit;

namespace PcieOe.System.Tests.Structure;

/// <summary>Holds the tree to ARCHITECTURE.md, "Where things are": what each part must know nothing of.</summary>
public sealed class LayerTests
{
    private static readonly string[] Clocks = ["Stopwatch", "DateTime.", "Environment.TickCount", "System.Net.Sockets", "Task.", "await "];

    [Theory]
    [InlineData("PcieOe.Protocol")]
    [InlineData("PcieOe.Transport", "PcieOe.Protocol")]
    [InlineData("PcieOe.FlashEndpoint", "PcieOe.Protocol")]
    [InlineData("PcieOe.Daemon", "PcieOe.Protocol", "PcieOe.Transport", "PcieOe.Transport.SharpPcap")]
    [InlineData("PcieOe.Host", "PcieOe.Daemon", "PcieOe.Protocol", "PcieOe.Transport")]
    [InlineData("PcieOe.Target", "PcieOe.Daemon", "PcieOe.FlashEndpoint", "PcieOe.Protocol", "PcieOe.Transport")]
    public void Project_ItsReferences_AreThoseOfItsLayer(string project, params string[] allowed)
    {
        XDocument file = XDocument.Load(Repository.PathOf($"src/{project}/{project}.csproj"));
        string[] references = [.. file.Descendants("ProjectReference").Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value))];

        Assert.All(references, reference => Assert.Contains(reference, allowed));
    }

    [Theory]
    [InlineData("PcieOe.Transport", "PcieOe.Protocol.Nvme")]
    [InlineData("PcieOe.FlashEndpoint", "PcieOe.Protocol.Ethernet", "PcieOe.Protocol.Link", "PcieOe.Protocol.Sessions", "PcieOe.Protocol.Tlp")]
    [InlineData("PcieOe.Target/Functions", "PcieOe.Protocol.Nvme", "PcieOe.FlashEndpoint", "PcieOe.Protocol.Ethernet")]
    [InlineData("PcieOe.Host/RootComplex", "PcieOe.Protocol.Nvme", "PcieOe.Protocol.Ethernet", "PcieOe.Transport")]
    [InlineData("PcieOe.Host/NvmeDriver", "PcieOe.Protocol.Tlp", "PcieOe.Protocol.Link", "PcieOe.Protocol.Ethernet")]
    [InlineData("PcieOe.Host/FrontEnds", "PcieOe.Protocol.Tlp", "PcieOe.Protocol.Link", "PcieOe.Protocol.Ethernet")]
    [InlineData("PcieOe.Host/FrontEnds/VfioUser", "PcieOe.Protocol.Nvme", "PcieOe.Host.NvmeDriver")]
    public void Folder_ItsSources_DoNotNameWhatItKnowsNothingOf(string folder, params string[] unknown) => AssertNoneNames(folder, unknown);

    [Theory]
    [InlineData("PcieOe.Protocol")]
    [InlineData("PcieOe.FlashEndpoint/Admin")]
    [InlineData("PcieOe.FlashEndpoint/Controller")]
    [InlineData("PcieOe.FlashEndpoint/Dma")]
    [InlineData("PcieOe.FlashEndpoint/Io")]
    [InlineData("PcieOe.FlashEndpoint/Pcie")]
    [InlineData("PcieOe.FlashEndpoint/Queues")]
    [InlineData("PcieOe.FlashEndpoint/Timing")]
    [InlineData("PcieOe.Host/NvmeDriver")]
    [InlineData("PcieOe.Host/RootComplex")]
    [InlineData("PcieOe.Target/Functions")]
    [InlineData("PcieOe.Target/Policies")]
    [InlineData("PcieOe.Transport/Policies")]
    public void Engine_ItsSources_HaveNoClocksNorSocketsNorTasks(string folder) => AssertNoneNames(folder, Clocks);

    private static void AssertNoneNames(string folder, string[] words)
    {
        string[] sources = Repository.SourcesBelow($"src/{folder}");
        var offenders =
            from source in sources
            from line in File.ReadLines(source)
            where !line.TrimStart().StartsWith("//", StringComparison.Ordinal) && words.Any(word => line.Contains(word, StringComparison.Ordinal))
            select $"{Path.GetFileName(source)}: {line.Trim()}";

        Assert.NotEmpty(sources);
        Assert.Empty(offenders);
    }
}
